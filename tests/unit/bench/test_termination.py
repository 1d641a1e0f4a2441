"""A benchmark that is told to stop ends its servers first."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pilotlight_bench.termination import orderly_termination

BENCHMARK = """
import sys, time
from pathlib import Path
from pilotlight_bench.server import Launch, Server
from pilotlight_bench.termination import orderly_termination
command = (sys.executable, "-c", "import time; time.sleep(60)")
with orderly_termination(), Server(Launch("peer", command, 0), Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_benchmark_that_is_ended_leaves_no_server(tmp_path: Path, number: signal.Signals) -> None:
    command = (sys.executable, "-c", BENCHMARK, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        server = psutil.Process(int(benchmark.stdout.readline()))
        benchmark.send_signal(number)
        assert benchmark.wait(timeout=20) == 128 + number
    assert not server.is_running()


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with orderly_termination():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
