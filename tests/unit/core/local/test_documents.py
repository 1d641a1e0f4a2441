"""Reading a YAML stream: what is taken, and what is refused in which words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pilotlight.errors import ManifestError
from pilotlight.local.documents import read

Write = Callable[..., Path]

SERVICE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: one}
spec: {predictor: {containers: [{image: pilotlight-predictor}]}}
"""
RUNTIME = """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {containers: [{name: kserve-container, image: x}]}
"""
OTHER = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}"


def _service(container: str) -> str:
    return SERVICE.replace("{image: pilotlight-predictor}", container)


def test_a_stream_holds_services_runtimes_and_what_only_a_cluster_can_use(write: Write) -> None:
    documents = read(write(SERVICE, "", RUNTIME, OTHER, "# nothing but a comment"))
    assert [s.origin.name for s in documents.services] == ["one"]
    assert [(r.origin.name, r.of_cluster) for r in documents.runtimes] == [("vllm", True)]
    assert documents.others == ("ServiceAccount reader",)


def test_null_means_unset_as_it_does_for_kubernetes(write: Write) -> None:
    file = write(_service("{image: x, env: null, args: null}"))
    (service,) = read(file).services
    assert service.document.spec.predictor.containers[0].env == []


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (["a: [1, 2"], "not YAML: "),
        (["a: b", "c: \x00"], "not YAML: "),
        (["just text"], "document 1 (? ?): document: a mapping with apiVersion and kind"),
        ([SERVICE, "kind: Pod"], "document 2 (? ?): apiVersion: missing"),
        (["apiVersion: v1\nkind: [Pod]"], "document 1 (? ?): kind: missing, or not a string"),
        (
            [SERVICE.replace("v1beta1", "v1")],
            "apiVersion: 'serving.kserve.io/v1' is not supported; use serving.kserve.io/v1beta1",
        ),
        ([SERVICE.replace("{name: one}", "{}")], "metadata.name: Field required"),
        ([SERVICE.replace("predictor:", "preductor:")], "spec.predictor: Field required"),
        (
            [_service("{image: x, agrs: [--a]}")],
            "(InferenceService one): spec.predictor.containers[0].agrs: this field is not known",
        ),
        (
            [_service("{image: x, env: [{name: A, value: 1}]}")],
            "spec.predictor.containers[0].env[0].value: Input should be a valid string",
        ),
        (
            [_service("{image: x, ports: [{containerPort: 70000}]}")],
            "spec.predictor.containers[0].ports[0].containerPort: ",
        ),
    ],
)
def test_a_document_that_cannot_be_used_is_named_with_its_field(
    write: Write, documents: list[str], message: str
) -> None:
    file = write(*documents)
    with pytest.raises(ManifestError) as error:
        read(file)
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        read(tmp_path / "absent.yaml")
    with pytest.raises(ManifestError, match="Is a directory"):
        read(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(ManifestError, match="not UTF-8"):
        read(tmp_path / "latin.yaml")
