"""Time from exec to the first answer, plain vLLM and this predictor in turns."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pilotlight.errors import OperationError
from pilotlight_bench.coldstart.bytecode import compile_installed, without_bytecode
from pilotlight_bench.coldstart.phases import start_phases
from pilotlight_bench.coldstart.settings import Inputs
from pilotlight_bench.contention import ProcessorTime, other_cores
from pilotlight_bench.first_answer import wait_for_answer
from pilotlight_bench.peers import MODEL_NAME, Peer
from pilotlight_bench.progress import say
from pilotlight_bench.server import Server, free_port

OURS = "pilotlight"
PLAIN = "plain"
PLAIN_NO_BYTECODE = "plain-no-bytecode"


@dataclass(frozen=True, slots=True)
class Start:
    """One start.

    Args:
        peer: What was started.
        seconds: From exec to the first answer.
        text: The answer.
        phases: Seconds by phase, as the server itself tells; empty when it does not.
        other_cores: Cores that processes outside the measurement kept busy meanwhile.
    """

    peer: str
    seconds: float
    text: str
    phases: dict[str, float]
    other_cores: float = 0.0


def run(inputs: Inputs, ours: Sequence[str], plain: Sequence[str], log_dir: Path) -> list[Start]:
    """The counted starts, in the order in which they happened; takes some 8 minutes in full.

    Raises:
        OperationError: Two starts gave different answers: then they are not the same server.
    """
    say("compiling bytecode")
    compile_installed()
    with tempfile.TemporaryDirectory() as empty:
        turns = _turns(inputs, Peer(OURS, ours), Peer(PLAIN, plain), Path(empty))
        starts = [(counted, _start(inputs, peer, extra, log_dir)) for counted, peer, extra in turns]
    require_one_answer([start for _, start in starts])
    return [start for counted, start in starts if counted]


Turn = tuple[bool, Peer, dict[str, str]]


def _turns(inputs: Inputs, ours: Peer, plain: Peer, empty: Path) -> list[Turn]:
    """Each server once uncounted, which fills the page cache; then in alternating order."""
    bare = Peer(PLAIN_NO_BYTECODE, plain.command)
    extra = without_bytecode(empty)
    turns: list[Turn] = [(False, plain, {}), (False, ours, {})]
    for index in range(inputs.runs):
        pair = (plain, ours) if index % 2 == 0 else (ours, plain)
        turns += [(True, peer, {}) for peer in pair]
    if inputs.runs_without_bytecode:
        turns.append((False, bare, extra))
    return turns + [(True, bare, extra)] * inputs.runs_without_bytecode


def _start(inputs: Inputs, peer: Peer, extra: dict[str, str], log_dir: Path) -> Start:
    launch = peer.launch(inputs.model, free_port(), inputs.engine, inputs.environment | extra)
    before = ProcessorTime.now(0.0)
    with Server(launch, log_dir) as server:
        first = wait_for_answer(server, MODEL_NAME, inputs.start_timeout_s)
        others = other_cores(before, ProcessorTime.now(server.cpu_s()))
        phases = start_phases(launch.url)
    say(f"{peer.name}: {first.seconds:.2f} s; others took {others:.2f} cores")
    return Start(peer.name, first.seconds, first.text, phases, others)


class Answered(Protocol):
    """A start that gave an answer."""

    @property
    def peer(self) -> str: ...

    @property
    def text(self) -> str: ...


def require_one_answer(starts: Sequence[Answered]) -> None:
    """Hold that all starts gave the same answer.

    Raises:
        OperationError: They did not: then they are not the same server.
    """
    texts = {start.text: start.peer for start in starts}
    if len(texts) > 1:
        answers = "; ".join(f"{peer}: {text!r}" for text, peer in texts.items())
        raise OperationError(f"the same greedy prompt got different answers: {answers}")
