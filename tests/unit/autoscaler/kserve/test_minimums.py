"""Minimums of services without Knative: claimed, given back, and never taken from their owners."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.meta import FloorClaim
from pilotlight.clock import SimulatedClock
from pilotlight.errors import Conflict
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight_autoscaler.kserve import notes
from pilotlight_autoscaler.kserve.act import MinimumsTarget
from pilotlight_autoscaler.kserve.minimums import plan
from pilotlight_autoscaler.kserve.notes import Note
from pilotlight_autoscaler.kserve.places import Place, place_of
from tests.unit.autoscaler.kserve import objects as o
from tests.unit.autoscaler.kserve.kept import Kept

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAME = "chat-predictor"


def pool(replicas: int, name: str = "pool", revision: str = NAME, **claim: str) -> Document:
    floor = {"revision": revision, "replicas": replicas} | claim
    return o.named("WarmPool", name) | {"status": {"floors": [floor]}}


def settle(kept: Kept, times: int = 1) -> None:
    for _ in range(times):
        MinimumsTarget(cast("Cluster", kept), SimulatedClock(NOW.timestamp())).settle("team")


def minimum(kept: Kept) -> int | None:
    found: int | None = kept.documents["InferenceService", "chat"]["spec"]["predictor"].get(
        "minReplicas"
    )
    return found


def scaled(kept: Kept) -> dict[str, Any]:
    spec: dict[str, Any] = dict(kept.documents["ScaledObject", "mine"]["spec"])
    del spec["scaleTargetRef"]
    return spec


def end(kept: Kept) -> None:
    """The pool is deleted."""
    del kept.documents["WarmPool", "pool"]


def standard(scaler: str = "", **spec: Any) -> Document:
    return o.service("Standard", scaler, None, **spec)


def test_a_claim_is_written_to_kserves_own_field_and_nothing_else() -> None:
    kept = Kept(standard(minReplicas=1, maxReplicas=5), pool(3))
    before = kept.documents["InferenceService", "chat"]
    settle(kept)
    after = kept.documents["InferenceService", "chat"]
    assert after["spec"] == {"predictor": {"minReplicas": 3, "maxReplicas": 5}}
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]


@pytest.mark.parametrize("original", [None, 0, 2])
def test_what_was_there_is_given_back_and_nothing_is_left(original: int | None) -> None:
    spec: dict[str, Any] = {} if original is None else {"minReplicas": original}
    kept = Kept(standard(**spec), pool(3))
    settle(kept, 2)
    assert minimum(kept) == 3
    end(kept)
    settle(kept)
    assert minimum(kept) == original
    assert ("ConfigMap", notes.NAME) not in kept.documents


def test_what_is_as_claimed_is_not_written_again() -> None:
    kept = Kept(standard(), pool(3))
    settle(kept)
    kept.written.clear()
    settle(kept, 3)
    assert kept.written == []


def test_of_two_pools_the_larger_claim_counts() -> None:
    kept = Kept(standard(), pool(3), pool(4, "other"))
    settle(kept)
    assert minimum(kept) == 4


def test_a_floor_that_changes_does_not_forget_what_was_there_first() -> None:
    kept = Kept(standard(minReplicas=2), pool(3))
    settle(kept)
    for replicas in (5, 4):
        kept.documents["WarmPool", "pool"] = pool(replicas) | {}
        settle(kept)
        assert minimum(kept) == replicas
    end(kept)
    settle(kept)
    assert minimum(kept) == 2


def test_an_expired_claim_is_given_back() -> None:
    kept = Kept(standard(minReplicas=1), pool(3, expiresAt="2026-11-20T00:00:00Z"))
    settle(kept)
    assert minimum(kept) == 1


def test_no_minimum_goes_over_the_services_maximum() -> None:
    kept = Kept(standard(minReplicas=1, maxReplicas=2), pool(9))
    settle(kept)
    assert minimum(kept) == 2


@pytest.mark.parametrize(
    ("document", "replicas"),
    [
        (standard(minReplicas=2), 1),
        (standard("keda", minReplicas=1), 1),
        (standard("keda", minReplicas=0), 0),
        (standard("none", minReplicas=1), 1),
        (standard("none", minReplicas=0), 0),
    ],
)
def test_to_zero_goes_only_what_its_owner_lets_go_there(document: Document, replicas: int) -> None:
    kept = Kept(document, pool(0))
    settle(kept)
    assert minimum(kept) == replicas


def test_one_that_its_owner_lets_sleep_may_sleep_again_after_a_floor() -> None:
    kept = Kept(standard("keda", minReplicas=0), pool(2))
    settle(kept)
    kept.documents["WarmPool", "pool"] = pool(0)
    settle(kept)
    assert minimum(kept) == 0


def test_a_person_who_changes_the_minimum_meanwhile_gets_theirs_back() -> None:
    kept = Kept(standard(minReplicas=1), pool(4))
    settle(kept)
    kept.edit("InferenceService", "chat", {"spec": {"predictor": {"minReplicas": 2}}})
    settle(kept)
    assert minimum(kept) == 4
    end(kept)
    settle(kept)
    assert minimum(kept) == 2


def test_a_change_made_after_the_pool_has_gone_is_not_overruled() -> None:
    kept = Kept(standard(minReplicas=1), pool(4))
    settle(kept)
    end(kept)
    kept.edit("InferenceService", "chat", {"spec": {"predictor": {"minReplicas": 3}}})
    settle(kept)
    assert minimum(kept) == 3
    assert ("ConfigMap", notes.NAME) not in kept.documents


def test_a_service_deleted_in_between_leaves_no_note() -> None:
    kept = Kept(standard(), pool(4))
    settle(kept)
    del kept.documents["InferenceService", "chat"]
    settle(kept)
    assert ("ConfigMap", notes.NAME) not in kept.documents


def test_a_user_own_scaled_object_is_held_and_given_back() -> None:
    mine = o.scaled_object(minReplicaCount=1, idleReplicaCount=0, maxReplicaCount=5)
    kept = Kept(standard("external"), mine, pool(3))
    settle(kept)
    # KEDA goes down to idleReplicaCount without work, whatever the minimum says.
    assert scaled(kept) == {"minReplicaCount": 3, "maxReplicaCount": 5}
    end(kept)
    settle(kept)
    assert scaled(kept) == {"minReplicaCount": 1, "idleReplicaCount": 0, "maxReplicaCount": 5}


def test_who_begins_to_scale_otherwise_gets_back_what_was_there_before() -> None:
    kept = Kept(standard(minReplicas=1), pool(3))
    settle(kept)
    mine = o.scaled_object(minReplicaCount=0)
    kept.documents["ScaledObject", "mine"] = mine
    told = {"metadata": {"annotations": {"serving.kserve.io/autoscalerClass": "external"}}}
    kept.edit("InferenceService", "chat", told)
    settle(kept)
    assert (minimum(kept), scaled(kept)) == (1, {"minReplicaCount": 3})
    del kept.documents["InferenceService", "chat"]
    settle(kept)
    assert scaled(kept) == {"minReplicaCount": 0}
    assert ("ConfigMap", notes.NAME) not in kept.documents


def test_a_scaled_object_that_kserve_makes_is_left_to_it() -> None:
    made = o.scaled_object("chat-predictor", minReplicaCount=1)
    kept = Kept(standard("keda", minReplicas=1), made, pool(3))
    settle(kept)
    assert kept.documents["ScaledObject", "chat-predictor"]["spec"]["minReplicaCount"] == 1
    assert minimum(kept) == 3


def test_a_service_on_knative_is_not_touched() -> None:
    kept = Kept(o.service(minReplicas=0), pool(3))
    settle(kept)
    assert minimum(kept) == 0


def test_a_status_that_changed_in_between_holds_no_write_up() -> None:
    kept = Kept(standard(minReplicas=1), pool(3))
    looks: list[object] = []

    def touch(reference: Any) -> None:
        if reference.kind.name == "InferenceService" and not looks:
            looks.append(reference)
            kept.edit("InferenceService", "chat", {"status": {"url": "http://x"}})

    kept.before_patch = touch
    settle(kept)
    assert minimum(kept) == 3


def test_a_spec_that_changed_in_between_is_not_overwritten() -> None:
    kept = Kept(standard(minReplicas=1), pool(3))

    def touch(reference: Any) -> None:
        if reference.kind.name == "InferenceService":
            kept.edit("InferenceService", "chat", {"spec": {"predictor": {"minReplicas": 2}}})

    kept.before_patch = touch
    with pytest.raises(Conflict):
        settle(kept)
    kept.before_patch = lambda _: None
    settle(kept)
    end(kept)
    settle(kept)
    assert minimum(kept) == 2


def test_who_is_killed_at_any_write_gives_back_what_was_there_first() -> None:
    for killed_at in range(1, 8):
        kept = Kept(standard(minReplicas=2), pool(3))
        left = [killed_at]

        def kill(_: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        kept.before_patch = kill
        for replicas in (3, 5, 4):
            kept.documents["WarmPool", "pool"] = pool(replicas)
            try:
                settle(kept)
            except KeyboardInterrupt:
                settle(kept)
            assert minimum(kept) == replicas
        end(kept)
        settle(kept)
        assert minimum(kept) == 2, killed_at


def test_damaged_notes_are_none() -> None:
    kept = Kept(standard(minReplicas=1), pool(3))
    kept.create(
        {"kind": "ConfigMap", "metadata": {"name": notes.NAME}, "data": {notes.KEY: '{"a": 1'}}
    )
    settle(kept)
    assert minimum(kept) == 3


CLAIMS = st.lists(
    st.builds(FloorClaim, revision=st.sampled_from([NAME, "gone"]), replicas=st.integers(0, 9)),
    max_size=3,
)


@given(
    st.one_of(st.none(), st.integers(0, 5)),
    st.one_of(st.just(0), st.integers(5, 8)),
    st.sampled_from(["", "keda", "none"]),
    st.lists(CLAIMS, max_size=5),
)
def test_after_any_claims_what_was_there_is_there_again(
    original: int | None, most: int, scaler: str, courses: list[list[FloorClaim]]
) -> None:
    spec = {"minReplicas": original, "maxReplicas": most}
    known: dict[str, Note] = {}
    for claims in [*courses, []]:
        place = place_of(standard(scaler, **spec), ())
        assert place is not None
        planned = plan(claims, [place], known, NOW)
        for change in planned.changes:
            spec["minReplicas"] = change.minimum
        known = dict(planned.left)
        wanted = [claim.replicas for claim in claims if claim.revision == NAME]
        if wanted:
            written = spec["minReplicas"]
            assert written is not None
            assert written <= (most or 9)
            assert written >= min(max(wanted), most or 9)
    assert spec["minReplicas"] == original
    assert known == {}


def test_a_place_of_a_named_predictor_is_its_deployments() -> None:
    place = place_of(standard(name="v1"), ())
    assert isinstance(place, Place)
    assert place.name == "chat-v1-predictor"
