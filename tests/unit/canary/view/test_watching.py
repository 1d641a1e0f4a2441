"""Looking on ends with the rollout, outlives an API server that restarts, and says what it saw."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from pilotlight.api.rollout_status import Phase
from pilotlight.clock import SimulatedClock
from pilotlight.errors import AccessDenied, ClusterError, NotInCluster, NotReached, OperationError
from pilotlight_canary.view.seen import EventSeen, Seen
from pilotlight_canary.view.watching import JsonLines, Lines, Watching
from tests.unit.canary.view.courses import PROMOTED, START, TAKEN_BACK, at_look, rollout, statuses

Course = tuple[tuple[Phase, int, int, int], ...]


class Recorded:
    """Looks at a course, and fails where it is told to."""

    def __init__(self, course: Course, *, bad: bool = False) -> None:
        seen = [Seen(rollout(s), at_look(i)) for i, s in enumerate(statuses(course, bad))]
        self.looks: list[Seen | ClusterError] = [*seen]

    def look(self) -> Seen:
        now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(now, ClusterError):
            raise now
        return now


@pytest.fixture
def watching() -> Callable[..., Watching]:
    def make(looker: Recorded, timeout_s: float | None = None) -> Watching:
        clock = SimulatedClock()
        return Watching(looker, lambda _: None, 1.0, timeout_s, clock.advance, clock.monotonic)

    return make


def test_it_ends_with_the_rollout_and_says_how(watching: Callable[..., Watching]) -> None:
    assert watching(Recorded(PROMOTED)).run(until_done=True)
    assert not watching(Recorded(TAKEN_BACK, bad=True)).run(until_done=True)


def test_a_version_without_room_that_was_given_up_ends_it(
    watching: Callable[..., Watching],
) -> None:
    looker = Recorded(((Phase.NO_CAPACITY, 0, 0, 3),))
    past = statuses(TAKEN_BACK)[-1].history
    waits = statuses(((Phase.NO_CAPACITY, 0, 0, 1),))[0].model_copy(
        update={"waiting_since": START, "history": past}
    )
    gave_up = waits.model_copy(update={"waiting_since": None})
    looker.looks = [Seen(rollout(status), START) for status in (waits, waits, gave_up)]
    assert not watching(looker, 100).run(until_done=True)
    assert len(looker.looks) == 1


def test_it_gives_up_when_told(watching: Callable[..., Watching]) -> None:
    with pytest.raises(OperationError, match="did not end within 3 s"):
        watching(Recorded(PROMOTED), 3).run(until_done=True)


def test_an_api_server_that_restarts_does_not_end_it(watching: Callable[..., Watching]) -> None:
    looker = Recorded(PROMOTED)
    looker.looks[3:3] = [NotReached("away")] * 20
    assert watching(looker).run(until_done=True)


def test_an_api_server_that_stays_away_ends_it(watching: Callable[..., Watching]) -> None:
    looker = Recorded(PROMOTED)
    looker.looks[3:] = [NotReached("away")]
    with pytest.raises(NotReached):
        watching(looker).run(until_done=True)


@pytest.mark.parametrize("error", [NotInCluster("deleted"), AccessDenied("expired")])
def test_what_will_not_pass_ends_it_at_once(
    watching: Callable[..., Watching], error: ClusterError
) -> None:
    looker = Recorded(PROMOTED)
    looker.looks[3:] = [error]
    with pytest.raises(type(error)):
        watching(looker, 10).run(until_done=True)


def test_who_was_never_answered_is_told_at_once(watching: Callable[..., Watching]) -> None:
    looker = Recorded(PROMOTED)
    looker.looks[:] = [NotReached("wrong address")]
    with pytest.raises(NotReached):
        watching(looker).run(until_done=True)


def test_without_a_terminal_each_change_and_each_event_is_a_line() -> None:
    console = Console(width=200, force_terminal=False)
    lines, looker = Lines(console), Recorded(TAKEN_BACK, bad=True)
    with console.capture() as capture:
        for i in range(len(looker.looks)):
            event = EventSeen(START, "RolledBack", "all traffic is back")
            lines(replace(looker.look(), events=(event,) if i > 5 else ()))
    said = [line.split(" ", 1)[1] for line in capture.get().splitlines()]
    assert len(said) == len(TAKEN_BACK) + 1
    assert said.count("  RolledBack: all traffic is back") == 1
    assert said[-1].startswith("RolledBack 0 %: errors")


def test_as_json_it_is_one_object_a_line_and_only_for_changes() -> None:
    console = Console(width=40, force_terminal=False)
    lines, looker = JsonLines(console), Recorded(PROMOTED)
    with console.capture() as capture:
        for _ in range(len(looker.looks)):
            seen = looker.look()
            lines(seen)
            lines(seen)
    said = [json.loads(line) for line in capture.get().splitlines()]
    assert len(said) == len({json.dumps(one["status"]) for one in said})
    assert said[-1]["phase"] == "Succeeded"
