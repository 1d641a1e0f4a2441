"""How settings are read, and how many pods are asked, against Go and Knative."""

from random import Random

import pytest

from pilotlight_autoscaler.kpa import durations
from pilotlight_autoscaler.kpa.collector import sample_size
from tests.knative.conftest import Ask

pytestmark = pytest.mark.knative

WORDS = 20_000
PARTS = (
    "0",
    "1",
    "90",
    "007",
    ".",
    ".5",
    "1.25",
    "0.000000001",
    "s",
    "m",
    "h",
    "ms",
    "us",
    "µs",
    "ns",
    "d",
    "-",
    "+",
    " ",
    "_",
    "e3",
    "99999999999",
)


def test_durations_are_those_of_go(ask: Ask) -> None:
    random = Random(301)
    words = [
        "".join(random.choice(PARTS) for _ in range(random.choice((1, 2, 2, 2, 3, 4, 6))))
        for _ in range(WORDS)
    ]
    (theirs,) = ask([{"Durations": words}])
    assert sum(length is not None for length in theirs) > WORDS / 20
    assert [_seconds(word) for word in words] == [
        None if length is None else length / 1e9 for length in theirs
    ]


def _seconds(word: str) -> float | None:
    try:
        return durations.seconds(word)
    except ValueError:
        return None


def test_as_many_pods_are_asked_as_knative_asks(ask: Ask) -> None:
    pods = list(range(2000))
    assert ask([{"Pods": pods}]) == [[sample_size(count) for count in pods]]
