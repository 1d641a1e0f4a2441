"""Where peers take turns: one loaded, the others stopped."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_bench.contention import ProcessorTime, other_cores
from pilotlight_bench.first_answer import wait_for_answer
from pilotlight_bench.load.generator import LoadGenerator
from pilotlight_bench.load.outcome import Outcome
from pilotlight_bench.load.plan import Load, Workload
from pilotlight_bench.peers import MODEL_NAME, Peer
from pilotlight_bench.predictor.measurement import Measurement
from pilotlight_bench.predictor.settings import Inputs, Plan
from pilotlight_bench.progress import say
from pilotlight_bench.server import Server, free_port


class Stage:
    """Starts peers, and puts loads on one at a time.

    Args:
        inputs: What is measured.
        plan: How much.
        generator: Sends the loads.
        workload: Draws them.
        log_dir: Where the servers write.
    """

    def __init__(
        self,
        inputs: Inputs,
        plan: Plan,
        generator: LoadGenerator,
        workload: Workload,
        log_dir: Path,
    ) -> None:
        self.workload = workload
        self._inputs = inputs
        self._plan = plan
        self._generator = generator
        self._log_dir = log_dir
        self._draws = 0

    @contextmanager
    def up(self, *peers: Peer) -> Iterator[dict[str, Server]]:
        """The peers, started one after the other and paused, by name."""
        with ExitStack() as stack:
            servers: dict[str, Server] = {}
            for peer in peers:
                launch = peer.launch(
                    self._inputs.model,
                    free_port(),
                    self._inputs.engine,
                    self._inputs.environment,
                )
                server = stack.enter_context(Server(launch, self._log_dir))
                first = wait_for_answer(server, MODEL_NAME, self._plan.start_timeout_s)
                say(f"{peer.name}: first answer after {first.seconds:.1f} s")
                server.pause()
                servers[peer.name] = server
            yield servers

    def measure(self, server: Server, load: Load, round_: int) -> Measurement:
        """Wake a server, warm it up, put the load on it, and pause it again."""
        server.resume()
        try:
            self._run(server, self._warmup())
            before = ProcessorTime.now(server.cpu_s())
            outcome = self._run(server, load)
            after = ProcessorTime.now(server.cpu_s() + outcome.generator_cpu_s)
        finally:
            server.pause()
        others = other_cores(before, after)
        measured = Measurement(server.launch.name, round_, load.concurrency, outcome, others)
        say(
            f"{measured.peer} round {round_} c={load.concurrency}: "
            f"{outcome.output_tokens_per_s:.1f} tok/s, {outcome.requests_per_s:.2f} requests/s, "
            f"TTFT P50 {measured.ttft_s.p50:.3f} s; others took {others:.2f} cores"
        )
        return measured

    def measure_all(self, server: Server, load: Load, round_: int) -> Measurement:
        """Like ``measure``, for a load that must be answered in full.

        Raises:
            OperationError: A request failed: figures of different work cannot be compared.
        """
        measured = self.measure(server, load, round_)
        failed = [answer.error for answer in measured.outcome.answers if not answer.ok]
        if failed:
            raise OperationError(
                f"{measured.peer} failed {len(failed)} of {len(load.requests)} requests at "
                f"concurrency {load.concurrency}; the first: {failed[0]}"
            )
        return measured

    def _run(self, server: Server, load: Load) -> Outcome:
        server.check_alive()
        return self._generator.run(server.launch.url, MODEL_NAME, load, self._plan.load_timeout_s)

    def _warmup(self) -> Load:
        # A draw of its own each time, or the prefix cache would answer.
        self._draws += 1
        count = self._plan.warmup_requests
        return self.workload.closed(count, count, -self._draws)
