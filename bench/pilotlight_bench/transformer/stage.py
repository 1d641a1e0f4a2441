"""Where servers take turns on one core, while load and stub share another one."""

import asyncio
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from pilotlight.errors import OperationError, ProcessError, UsageError
from pilotlight_bench.contention import ProcessorTime, other_cores
from pilotlight_bench.progress import say
from pilotlight_bench.server import Server, free_port
from pilotlight_bench.transformer import streams
from pilotlight_bench.transformer.measurement import Delays, Findings, Loaded, Memory
from pilotlight_bench.transformer.peers import KEY, STUB, Peer, Place, stub
from pilotlight_bench.transformer.settings import Kind, Plan, body
from pilotlight_bench.transformer.wrk import Wrk

POLL_S = 0.1
HOLD_S = 3.0
HELD_EVENTS, HELD_PACE_MS = 100_000, 1000


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where."""

    server: int
    load: int

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """The first two that this process may use.

        Raises:
            UsageError: There is only one.
        """
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise UsageError("this benchmark needs two cores: one for servers, one for the load")
        return cls(usable[1], usable[0])


class Stage:
    """Starts the stub and the peers, and measures one peer at a time, the others stopped.

    Args:
        plan: How much is measured.
        folder: For logs, settings and scripts.
    """

    def __init__(self, plan: Plan, cores: Cores, folder: Path) -> None:
        self._plan = plan
        self._cores = cores
        self._folder = folder
        self._wrk = Wrk(cores.load, folder)
        self._stub: Server | None = None

    def run(self, peers: Sequence[Peer], heavy: Sequence[str]) -> Findings:
        """Measure all peers.

        Args:
            heavy: Those whose memory with many open streams is measured.
        """
        findings = Findings()
        with _here_only(self._cores.load), _many_files(), self._up(peers) as servers:
            for round_ in range(self._plan.rounds):
                turn = round_ % len(peers)
                for kind in Kind:
                    for peer in (*peers[turn:], *peers[:turn]):
                        if kind in peer.kinds:
                            findings.loads.append(
                                self._load(peer, servers[peer.name], kind, round_)
                            )
            assert self._stub is not None
            findings.delays.append(self._delays(self._stub))
            for peer in peers:
                findings.delays.append(self._delays(servers[peer.name]))
            for name in heavy:
                findings.memory.append(self._memory(servers[name]))
        return findings

    @contextmanager
    def _up(self, peers: Sequence[Peer]) -> Iterator[dict[str, Server]]:
        """The stub, and the peers, each paused once it has answered."""
        with ExitStack() as stack:
            place = Place(self._cores.load, free_port(), 0, self._folder)
            self._stub = stack.enter_context(Server(stub(place), self._folder))
            self._wait(self._stub)
            servers = {}
            for peer in peers:
                own = self._folder / peer.name
                own.mkdir(parents=True, exist_ok=True)
                at = Place(self._cores.server, free_port(), place.port, own)
                server = stack.enter_context(Server(peer.start(at), self._folder))
                say(f"{peer.name}: answers after {self._wait(server):.1f} s")
                server.pause()
                servers[peer.name] = server
            yield servers

    def _wait(self, server: Server) -> float:
        """Until a chat is answered; how many seconds that took."""
        deadline = server.started_at + self._plan.start_timeout_s
        headers = {"Authorization": f"Bearer {KEY}"}
        last = "nothing"
        with httpx.Client(trust_env=False, timeout=10, headers=headers) as client:
            while time.monotonic() < deadline:
                server.check_alive()
                try:
                    url = f"{server.launch.url}/v1/chat/completions"
                    answer = client.post(url, json=body(Kind.JSON))
                    if answer.is_success:
                        return time.monotonic() - server.started_at
                    last = f"{answer.status_code}: {answer.text[:300]}"
                except httpx.TransportError:
                    pass
                time.sleep(POLL_S)
        raise ProcessError(
            f"{server.launch.name} gave no answer in {self._plan.start_timeout_s:g} s but {last}; "
            f"the end of {server.log}:\n{server.tail()}"
        )

    def _load(self, peer: Peer, server: Server, kind: Kind, round_: int) -> Loaded:
        plan, url = self._plan, server.launch.url
        connections = plan.slow_connections if peer.slow else plan.connections
        load_s = plan.slow_load_s if peer.slow else plan.load_s
        with _awake(server):
            self._wrk.run(url, kind, KEY, connections, plan.warmup_s)
            before, cpu_before = self._now(server)
            outcome = self._wrk.run(url, kind, KEY, connections, load_s)
            after, cpu_after = self._now(server)
        if not outcome.requests:
            raise OperationError(f"{peer.name} answered nothing in {load_s:g} s")
        measured = Loaded(
            server.launch.name,
            kind,
            round_,
            outcome,
            cpu_after - cpu_before,
            other_cores(before, after),
        )
        say(
            f"{measured.peer} round {round_} {kind}: {outcome.requests_per_s:.0f}/s, "
            f"{measured.per_core:.0f} per core, busy {measured.busy:.2f}; "
            f"others took {measured.other_cores:.2f} cores"
        )
        return measured

    def _delays(self, server: Server) -> Delays:
        plan, port = self._plan, server.launch.port
        data = streams.request(port, KEY, plan.paced_events, plan.pace_ms)
        with _awake(server):
            asyncio.run(streams.low_load(port, data, plan.lanes, plan.lanes))
            before, _ = self._now(server)
            found = asyncio.run(streams.low_load(port, data, plan.paced_streams, plan.lanes))
            after, _ = self._now(server)
        measured = Delays.of(server.launch.name, found, other_cores(before, after))
        say(f"{measured.peer} at a low load: {measured.row()}")
        return measured

    def _memory(self, server: Server) -> Memory:
        def look() -> float:
            return float(sum(process.memory_info().rss for process in server.processes()))

        count, port = self._plan.open_streams, server.launch.port
        data = streams.request(port, KEY, HELD_EVENTS, HELD_PACE_MS)
        with _awake(server):
            idle = look()
            most = asyncio.run(streams.held_open(port, data, count, look, HOLD_S))
        measured = Memory(server.launch.name, count, idle, most)
        say(f"{measured.peer} with {count} open streams: {most / 1e6:.0f} MB")
        return measured

    def _now(self, server: Server) -> tuple[ProcessorTime, float]:
        """The machine's processor time, and the server's."""
        assert self._stub is not None
        cpu_s = server.cpu_s()
        ours_s = cpu_s + _own_cpu_s()
        if server is not self._stub:
            ours_s += self._stub.cpu_s()
        return ProcessorTime.now(ours_s), cpu_s


@contextmanager
def _awake(server: Server) -> Iterator[None]:
    """Its processes run; before and after they are stopped. The stub always runs."""
    server.check_alive()
    if server.launch.name == STUB:
        yield
        return
    server.resume()
    try:
        yield
    finally:
        server.pause()


@contextmanager
def _here_only(core: int) -> Iterator[None]:
    """This process, and what it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _many_files() -> Iterator[None]:
    """As many open connections as the system lets this process, and what it starts, have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _own_cpu_s() -> float:
    """Of this process, and of its children that have ended (wrk)."""
    spent = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)
