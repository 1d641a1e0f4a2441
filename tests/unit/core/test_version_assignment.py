"""Which version a request belongs to."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.analysis import HeaderMatch, SessionAffinity
from pilotlight.version_assignment import Assignment, Ground, Version, assign, point

AFFINITY = SessionAffinity(header="X-Session-Id")
SESSIONS = st.text(min_size=1, max_size=40)
WEIGHTS = st.integers(0, 100)
CHANCES = st.floats(0, 1)


def of_session(
    session: str, weight: int, rollout: str = "chat-00002", chance: float = 0
) -> Version:
    headers = {"x-session-id": session}
    return assign(headers, weight=weight, rollout=rollout, chance=chance, affinity=AFFINITY).version


@given(SESSIONS, WEIGHTS, CHANCES, CHANCES)
def test_a_session_stays_on_its_version_whatever_chance_says(
    session: str, weight: int, one: float, other: float
) -> None:
    assert of_session(session, weight, chance=one) == of_session(session, weight, chance=other)


@given(SESSIONS, st.lists(WEIGHTS, min_size=2, max_size=10).map(sorted))
def test_a_rising_weight_moves_sessions_from_stable_to_canary_only(
    session: str, weights: list[int]
) -> None:
    for before, after in pairwise(of_session(session, weight) for weight in weights):
        assert before == after or (before, after) == (Version.STABLE, Version.CANARY)


@given(SESSIONS)
def test_nobody_is_on_the_canary_at_0_and_everybody_at_100(session: str) -> None:
    assert of_session(session, 0) == Version.STABLE
    assert of_session(session, 100) == Version.CANARY


@given(CHANCES)
def test_requests_without_a_session_follow_chance_between_the_same_ends(chance: float) -> None:
    at = [
        assign({}, weight=weight, rollout="r", chance=chance, affinity=AFFINITY)
        for weight in (0, 100)
    ]
    assert at == [
        Assignment(Version.STABLE, Ground.CHANCE),
        Assignment(Version.CANARY, Ground.CHANCE),
    ]


@pytest.mark.parametrize("weight", [5, 10, 25, 50])
def test_the_canary_gets_its_share_of_the_sessions(weight: int) -> None:
    count = 20_000
    on_canary = sum(of_session(f"user-{i}", weight) == Version.CANARY for i in range(count))
    deviation = (count * weight / 100 * (1 - weight / 100)) ** 0.5
    assert abs(on_canary - count * weight / 100) < 4 * deviation


def test_another_rollout_takes_other_sessions_first() -> None:
    sessions = [f"user-{i}" for i in range(10_000)]
    first = {s for s in sessions if of_session(s, 10, "chat-00002") == Version.CANARY}
    second = {s for s in sessions if of_session(s, 10, "chat-00003") == Version.CANARY}
    assert 60 < len(first & second) < 140, "a tenth of a tenth, as chance has it"


@given(SESSIONS, WEIGHTS)
def test_a_matching_header_goes_to_the_canary_whatever_the_weight(
    session: str, weight: int
) -> None:
    match = (HeaderMatch(header="X-Beta", exact="yes"), HeaderMatch(header="X-Team", exact="a"))
    for headers in ({"x-beta": "yes"}, {"X-TEAM": "a", "X-Session-Id": session}):
        found = assign(
            headers, weight=weight, rollout="r", chance=1, match=match, affinity=AFFINITY
        )
        assert found == Assignment(Version.CANARY, Ground.MATCH)


@pytest.mark.parametrize("headers", [{}, {"x-beta": "Yes"}, {"x-beta": ""}, {"beta": "yes"}])
def test_another_value_does_not_match(headers: dict[str, str]) -> None:
    match = (HeaderMatch(header="X-Beta", exact="yes"),)
    found = assign(headers, weight=0, rollout="r", chance=0, match=match)
    assert found == Assignment(Version.STABLE, Ground.CHANCE)


def test_an_empty_session_is_none() -> None:
    found = assign({"x-session-id": ""}, weight=50, rollout="r", chance=0.6, affinity=AFFINITY)
    assert found == Assignment(Version.STABLE, Ground.CHANCE)


@given(SESSIONS, SESSIONS)
def test_where_an_id_ends_and_the_rollout_begins_is_clear(session: str, rollout: str) -> None:
    assert point(session + rollout, "r") != point(session, rollout + "r")


def test_places_are_the_same_on_every_machine_and_in_every_release() -> None:
    assert point("user-1", "chat-00002") == 0x525E1437D7506258


@pytest.mark.parametrize(("weight", "chance"), [(-1, 0.5), (101, 0.5), (50, 1.5), (50, -0.1)])
def test_what_is_out_of_bounds_is_refused(weight: int, chance: float) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        assign({}, weight=weight, rollout="r", chance=chance)
