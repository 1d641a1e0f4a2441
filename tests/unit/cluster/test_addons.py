"""What is changed in the published YAML, and that nothing else is."""

from pathlib import Path

import pytest
import yaml

from pilotlight.kube.document import Document
from pilotlight_cluster.addons import kserve, volumes
from pilotlight_cluster.addons.document import fit, read, settings
from pilotlight_cluster.binaries import KSERVE, Binaries


def test_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "200.yaml").write_text("kind: B\n---\nkind: C\n")
    (tmp_path / "100.yaml").write_text("---\nkind: A\n---\n")
    assert [document["kind"] for document in read(tmp_path)] == ["A", "B", "C"]


def test_what_is_not_wanted_is_not_even_parsed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("kind: A\n---\nkind: {broken\n---\nkind: B\n")
    found = read(tmp_path / "all.yaml", wanted=lambda text: "broken" not in text)
    assert [document["kind"] for document in found] == ["A", "B"]


def test_definitions_of_controllers_that_are_left_out_are_left_out(tmp_path: Path) -> None:
    binaries = Binaries(tmp_path)
    file = binaries.manifests(KSERVE, "install") / "kserve.yaml"
    file.parent.mkdir(parents=True)
    names = ("inferenceservices", "llminferenceservices", "llminferenceserviceconfigs")
    definitions = [
        {
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{name}.serving.kserve.io"},
            "spec": {"conversion": {}},
        }
        for name in names
    ]
    file.write_text(yaml.safe_dump_all([{"kind": "Namespace", "metadata": {}}, *definitions]))
    (crd,) = kserve.crds(binaries)
    assert crd["metadata"]["name"] == "inferenceservices.serving.kserve.io"
    assert crd["spec"] == {}


def _deployment() -> Document:
    container = {
        "name": "activator",
        "image": "ko://knative.dev/serving/cmd/activator",
        "resources": {"requests": {"cpu": "300m", "memory": "60Mi"}, "limits": {"cpu": "1"}},
        "env": [{"name": "GOGC", "value": "500"}],
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "activator"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
    }


def test_a_container_gets_the_local_image_and_leaves_the_cpu_to_models() -> None:
    document = fit(_deployment(), lambda published: f"local/{published.rpartition('/')[2]}")
    (container,) = document["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "local/activator"
    assert container["resources"] == {"requests": {"cpu": "5m", "memory": "60Mi"}}
    assert container["env"] == [{"name": "GOGC", "value": "500"}]


def test_an_object_without_containers_stays_as_it_is() -> None:
    document = {"kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": []}}
    assert fit(dict(document), lambda image: image) == document


def test_settings_go_into_the_named_config_map_alone() -> None:
    maps: list[Document] = [
        {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"kept": "1"}},
        {"kind": "ConfigMap", "metadata": {"name": "b"}},
    ]
    settings(maps, "a", {"new": "2"})
    assert maps[0]["data"] == {"kept": "1", "new": "2"}
    assert "data" not in maps[1]


@pytest.mark.parametrize("namespace", ["default", "models"])
def test_a_folder_is_a_claim_of_its_name_and_nobody_elses(tmp_path: Path, namespace: str) -> None:
    (tmp_path / "pilotlight-models").mkdir()
    (tmp_path / "a-file").write_text("")
    volume, claim = volumes.documents(tmp_path, namespace)
    assert claim["metadata"] == {"name": "pilotlight-models", "namespace": namespace}
    assert volume["spec"]["claimRef"] == {"namespace": namespace, "name": "pilotlight-models"}
    assert volume["spec"]["hostPath"]["path"] == str(tmp_path / "pilotlight-models")
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert yaml.safe_dump([volume, claim])
