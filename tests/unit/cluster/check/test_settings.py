"""Knative's ways of writing versions, durations, flags and gateways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_cluster.check.features import is_on
from pilotlight_cluster.check.parts import GATEWAYS, gateway_of
from pilotlight_cluster.check.tuning import seconds
from pilotlight_cluster.check.versions import Version, parse

EMPTY_DIR = "kubernetes.podspec-volumes-emptydir"
CLAIM = "kubernetes.podspec-persistent-volume-claim"
AFFINITY = "kubernetes.podspec-affinity"


@given(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", ".1", "+", "-rc.1", ".4+k3s1"]))
def test_a_version_is_read_whatever_follows_it(major: int, minor: int, rest: str) -> None:
    assert (
        parse(f"v{major}.{minor}{rest}") == parse(f"{major}.{minor}{rest}") == Version(major, minor)
    )


@pytest.mark.parametrize("text", ["", "v", "devel", "dev", "latest", "1", "v1.", "sha256:1.2"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse(text) is None


def test_versions_compare_as_numbers() -> None:
    assert Version(1, 9) < Version(1, 21) < Version(2, 0)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize(
    ("text", "length"), [("600s", 600), ("10m", 600), ("1.5h", 5400), ("250ms", 0.25), (".5s", 0.5)]
)
def test_a_duration_is_written_as_in_go(text: str, length: float) -> None:
    assert seconds(text) == pytest.approx(length)


@pytest.mark.parametrize("text", ["", "600", "10 m", "ten", "-5s", "s", "1m s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(
    ("flag", "value", "on"),
    [
        (AFFINITY, "enabled", True),
        (AFFINITY, "Allowed", True),
        (AFFINITY, "DISABLED", False),
        (AFFINITY, "true", False),
        (EMPTY_DIR, "true", True),
        (EMPTY_DIR, "disabled", False),
        (EMPTY_DIR, "allowed", False),
        (CLAIM, "allowed", False),
        (CLAIM, "Enabled", True),
    ],
)
def test_a_flag_counts_as_knative_counts_it(flag: str, value: str, on: bool) -> None:
    assert is_on({flag: value}, flag) is on


def test_a_flag_that_is_not_set_has_knatives_default() -> None:
    assert is_on({}, EMPTY_DIR)
    assert not is_on({}, CLAIM)


def test_without_an_ingress_class_knative_wants_istio() -> None:
    found = gateway_of({})
    assert not isinstance(found, str)
    assert found.name == "Istio"


@pytest.mark.parametrize("key", ["ingress-class", "ingress.class"])
@pytest.mark.parametrize("known", GATEWAYS, ids=lambda known: known.name)
def test_a_gateway_is_known_by_its_class(key: str, known: object) -> None:
    assert isinstance(known, type(GATEWAYS[0]))
    assert gateway_of({key: known.ingress_class}) is known
