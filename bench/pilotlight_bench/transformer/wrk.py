"""wrk: as many requests as a server answers on so many connections."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError, ProcessError, UsageError
from pilotlight_bench.transformer.settings import Kind, body

TIMEOUT_S = 60
_GRACE_S = 90.0

_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.body = [==[{body}]==]
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{{"requests":%d,"duration_us":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of wrk saw.

    Args:
        requests: Answers that came whole, whatever they said.
        duration_s: Of the run.
        refused: Answers with another status than 2xx or 3xx.
        broken: Connections that failed, and answers that did not come in time.
    """

    requests: int
    duration_s: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.duration_s

    @classmethod
    def parse(cls, output: str) -> "Outcome":
        """Read the line that the script writes at the end.

        Raises:
            ProcessError: There is none.
        """
        for line in reversed(output.splitlines()):
            if line.startswith("{"):
                found = json.loads(line)
                return cls(
                    found["requests"],
                    found["duration_us"] / 1e6,
                    found["refused"],
                    found["broken"],
                    found["p50_us"] / 1e3,
                    found["p99_us"] / 1e3,
                )
        raise ProcessError(f"wrk told no figures:\n{output[-1000:]}")


@dataclass(frozen=True, slots=True)
class Wrk:
    """The program, and where it may run.

    Args:
        core: The only core it uses.
        folder: For its scripts.
    """

    core: int
    folder: Path

    def run(self, url: str, kind: Kind, key: str, connections: int, seconds: float) -> Outcome:
        """Load a server on so many connections.

        Raises:
            UsageError: wrk is not installed.
            ProcessError: wrk failed.
            OperationError: Requests were refused or broke off: such figures compare nothing.
        """
        program = find()
        script = self.folder / f"{kind}.lua"
        script.write_text(_SCRIPT.format(key=key, body=json.dumps(body(kind))))
        command = (
            "taskset", "-c", str(self.core), program, "-t1", f"-c{connections}",
            f"-d{max(1, round(seconds))}s", f"--timeout={TIMEOUT_S}s", "-s", str(script),
            f"{url}/v1/chat/completions",
        )  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"wrk did not end {_GRACE_S:g} s after its time") from error
        if done.returncode:
            raise ProcessError(f"wrk failed:\n{done.stderr[-1000:]}")
        outcome = Outcome.parse(done.stdout)
        if outcome.refused or outcome.broken:
            raise OperationError(
                f"of {outcome.requests} requests to {url}, {outcome.refused} were refused and "
                f"{outcome.broken} broke off: the server's log says why"
            )
        return outcome


def find() -> str:
    """Where wrk is.

    Raises:
        UsageError: It is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise UsageError("this benchmark loads with wrk: apt-get install wrk")
    return program
