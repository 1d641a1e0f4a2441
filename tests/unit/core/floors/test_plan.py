"""What the floors shall be, from what is claimed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.meta import FloorClaim
from pilotlight.floors.bounds import Bounds, bounds_of
from pilotlight.floors.plan import Change, plan

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b", "c"])
COUNTS = st.integers(0, 9)
CLAIMS = st.lists(st.builds(FloorClaim, revision=NAMES, replicas=COUNTS))
MINIMUMS = st.none() | COUNTS
REVISIONS = st.dictionaries(NAMES, st.builds(Bounds, MINIMUMS, st.none() | st.integers(1, 9)))


def claim(replicas: int, expires_at: datetime | None = None) -> FloorClaim:
    return FloorClaim(revision="a", replicas=replicas, expires_at=expires_at)


def test_the_largest_claim_is_the_floor() -> None:
    found = plan([claim(1), claim(3), claim(2)], {"a": Bounds(0)}, {}, NOW)
    assert found.changes == (Change("a", 0, 3),)


def test_a_floor_stays_under_the_ceiling() -> None:
    assert plan([claim(5)], {"a": Bounds(0, 2)}, {}, NOW).changes == (Change("a", 0, 2),)


def test_a_claim_that_has_expired_does_not_count() -> None:
    claims = [claim(5, NOW), claim(1, NOW + timedelta(seconds=1))]
    assert plan(claims, {"a": Bounds(0)}, {}, NOW).changes == (Change("a", 0, 1),)


def test_without_a_claim_a_revision_gets_back_what_it_had() -> None:
    found = plan([], {"a": Bounds(3)}, {"a": None}, NOW)
    assert found.changes == (Change("a", 3, None),)
    assert not found.left


def test_a_revision_that_nobody_ever_claimed_is_left_alone() -> None:
    assert not plan([], {"a": Bounds(3)}, {}, NOW).changes


def test_a_second_claim_does_not_take_the_first_ones_floor_for_the_original() -> None:
    found = plan([claim(3), claim(4)], {"a": Bounds(3)}, {"a": 1}, NOW)
    assert found.originals == {"a": 1}


def test_revisions_that_are_gone_are_forgotten() -> None:
    found = plan([claim(3)], {}, {"a": 1}, NOW)
    assert not found.changes
    assert not found.originals
    assert not found.left


def test_a_claim_may_also_be_lower_than_what_was_there() -> None:
    [change] = plan([claim(1)], {"a": Bounds(3)}, {}, NOW).changes
    assert change == Change("a", 3, 1)
    assert not change.is_raise


@given(CLAIMS, REVISIONS)
def test_once_carried_out_nothing_is_left_to_do(
    claims: list[FloorClaim], revisions: dict[str, Bounds]
) -> None:
    first = plan(claims, revisions, {}, NOW)
    done = {change.revision: change.after for change in first.changes}
    after = {
        name: Bounds(done.get(name, bounds.minimum), bounds.ceiling)
        for name, bounds in revisions.items()
    }
    assert not plan(claims, after, first.left, NOW).changes


@given(CLAIMS, REVISIONS)
def test_when_all_claims_end_everything_is_as_it_was(
    claims: list[FloorClaim], revisions: dict[str, Bounds]
) -> None:
    first = plan(claims, revisions, {}, NOW)
    done = {change.revision: change.after for change in first.changes}
    after = {
        name: Bounds(done.get(name, bounds.minimum), bounds.ceiling)
        for name, bounds in revisions.items()
    }
    last = {change.revision: change.after for change in plan([], after, first.left, NOW).changes}
    assert {name: last.get(name, bounds.minimum) for name, bounds in after.items()} == {
        name: bounds.minimum for name, bounds in revisions.items()
    }


def test_a_ceiling_of_zero_is_none() -> None:
    annotations = {
        "autoscaling.knative.dev/max-scale": "0",
        "autoscaling.knative.dev/minScale": "2",
    }
    assert bounds_of({"metadata": {"annotations": annotations}}) == Bounds(2, None)
