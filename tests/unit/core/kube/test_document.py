"""What documents say of themselves, and when a condition counts."""

import pytest

from pilotlight.errors import ManifestError
from pilotlight.kube.document import Document, Kind, Reference, condition, reference_to
from pilotlight.kube.waiting import has_condition

ROUTE = Kind("serving.knative.dev/v1", "Route")


def with_ready(status: str, *, generation: int = 1, observed: int = 1) -> Document:
    ready = {"type": "Ready", "status": status, "reason": "R", "message": "m"}
    return {
        "metadata": {"generation": generation},
        "status": {"observedGeneration": observed, "conditions": [ready]},
    }


def test_a_reference_is_read_from_a_document() -> None:
    metadata = {"name": "a", "namespace": "b"}
    document = {"apiVersion": ROUTE.api_version, "kind": ROUTE.name, "metadata": metadata}
    assert reference_to(document) == Reference(ROUTE, "a", "b")
    assert str(reference_to(document)) == "Route.serving.knative.dev a in namespace b"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"apiVersion": "v1"},
        {"apiVersion": 1, "kind": "Pod", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": []},
    ],
)
def test_a_document_without_an_identity_is_refused(document: Document) -> None:
    with pytest.raises(ManifestError, match="needs"):
        reference_to(document)


def test_a_condition_that_nobody_set_is_none() -> None:
    assert condition({}, "Ready") is None
    assert condition({"status": {"conditions": None}}, "Ready") is None


def test_a_true_condition_of_the_present_generation_is_enough() -> None:
    assert has_condition("Ready")(with_ready("True")) is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (with_ready("False"), "Ready is False: R m"),
        (with_ready("Unknown"), "Ready is Unknown: R m"),
        (with_ready("True", generation=2), "its controller has not seen the last change yet"),
        ({"metadata": {}}, "nothing has set its condition Ready yet"),
    ],
)
def test_anything_else_is_a_problem_in_words(document: Document, problem: str) -> None:
    assert has_condition("Ready")(document) == problem
