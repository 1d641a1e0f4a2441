"""The same load on this predictor and on plain vLLM, interleaved, then both overloaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotlight_bench.load.generator import LoadGenerator
from pilotlight_bench.load.plan import Workload
from pilotlight_bench.load.trace import Scale, read_azure_trace, scale_to_context
from pilotlight_bench.peers import Peer
from pilotlight_bench.predictor.bounds import queue_wait_s, queued_tokens
from pilotlight_bench.predictor.goodput import Goodput, goodput
from pilotlight_bench.predictor.measurement import Measurement, of
from pilotlight_bench.predictor.settings import Inputs, Plan
from pilotlight_bench.predictor.stage import Stage

OURS = "pilotlight"
PLAIN = "plain"
BOUNDED = "plain-bounded"


@dataclass(frozen=True, slots=True)
class Commands:
    """Argument vectors as ``Peer`` takes them.

    Args:
        ours: This predictor.
        plain: vLLM's own server.
        takes_queue_bounds: Whether ``ours`` knows ``--max-queue-wait-s``.
    """

    ours: Sequence[str]
    plain: Sequence[str]
    takes_queue_bounds: bool = True

    def ours_bounded(self, wait_s: float) -> Peer:
        """This predictor with a bound on the expected wait, in seconds."""
        return Peer(OURS, self.ours, self._bound(wait_s))

    def _bound(self, wait_s: float) -> tuple[str, ...]:
        return (f"--max-queue-wait-s={wait_s:g}",) if self.takes_queue_bounds else ()


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured.

    Args:
        closed: Closed loops of both sides.
        open: Overload of the three peers.
        goodput: Of the overload, by peer.
        scale: How lengths were scaled.
        arrivals_per_s: Under overload.
        queue_wait_s: Bound of our queue under overload.
        queued_tokens: Bound of vLLM's queue under overload.
    """

    closed: Sequence[Measurement]
    open: Sequence[Measurement]
    goodput: dict[str, Goodput]
    scale: Scale
    arrivals_per_s: float
    queue_wait_s: float
    queued_tokens: int


def run(inputs: Inputs, plan: Plan, commands: Commands, log_dir: Path) -> Findings:
    """Measure both sides; takes some 14 minutes in full."""
    trace = read_azure_trace(inputs.trace)
    scale = scale_to_context(trace, inputs.context, inputs.max_output)
    workload = Workload(trace, scale, inputs.model, inputs.seed)
    log_dir.mkdir(parents=True, exist_ok=True)
    with LoadGenerator(log_dir / "generator.log") as generator:
        stage = Stage(inputs, plan, generator, workload, log_dir)
        closed = _closed_loops(stage, plan, commands)
        return _overload(stage, plan, commands, closed, scale)


def _closed_loops(stage: Stage, plan: Plan, commands: Commands) -> list[Measurement]:
    # Nobody may be refused here: both sides do the same work.
    ours = commands.ours_bounded(plan.load_timeout_s)
    measured = []
    with stage.up(ours, Peer(PLAIN, commands.plain)) as servers:
        for round_ in range(plan.rounds):
            # Who goes first changes, so that a drift of the machine favours nobody.
            order = (OURS, PLAIN) if round_ % 2 == 0 else (PLAIN, OURS)
            for loop in plan.closed:
                load = stage.workload.closed(loop.concurrency, loop.requests, round_)
                measured += [stage.measure_all(servers[name], load, round_) for name in order]
    return measured


def _overload(
    stage: Stage,
    plan: Plan,
    commands: Commands,
    closed: Sequence[Measurement],
    scale: Scale,
) -> Findings:
    limit_s = plan.overload.ttft_limit_s
    full = [m.outcome for m in of(closed, PLAIN, plan.closed[-1].concurrency)]
    wait_s = queue_wait_s(limit_s, full)
    tokens = queued_tokens(limit_s, full)
    requests, seconds = sum(len(o.completed) for o in full), sum(o.duration_s for o in full)
    rate = plan.overload.factor * requests / seconds
    load = stage.workload.poisson(rate, plan.overload.duration_s, 0)
    peers = (
        commands.ours_bounded(wait_s),
        Peer(BOUNDED, commands.plain, (f"--max-num-queued-tokens={tokens}",)),
        Peer(PLAIN, commands.plain),
    )
    measured = []
    for peer in peers:
        with stage.up(peer) as servers:
            measured.append(stage.measure(servers[peer.name], load, 0))
    good = {m.peer: goodput(m.outcome, plan.overload.duration_s, limit_s) for m in measured}
    return Findings(closed, measured, good, scale, rate, wait_s, tokens)
