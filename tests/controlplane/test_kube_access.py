"""Access to Kubernetes, against a real API server."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from pilotlight.errors import AccessDenied, Conflict, ManifestError, NotInCluster, NotReached
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import CONFIG_MAP, CUSTOM_RESOURCE, NAMESPACE, POD
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_cluster.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane

HOME = "kube-access"
WIDGET = Kind("example.pilotlight.dev/v1", "Widget")


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ApiServer]:
    with connect(control_plane.kubeconfig) as opened:
        opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        yield opened
        opened.delete(Reference(NAMESPACE, HOME))


def config_map(name: str, **data: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": HOME},
        "data": data,
    }


def reference(name: str) -> Reference:
    return Reference(CONFIG_MAP, name, HOME)


def test_what_is_applied_is_there(cluster: ApiServer) -> None:
    cluster.apply(config_map("applied", a="1"))
    assert cluster.get(reference("applied"))["data"] == {"a": "1"}


def test_a_field_left_out_of_the_next_apply_goes_away(cluster: ApiServer) -> None:
    cluster.apply(config_map("left-out", a="1", b="2"))
    assert cluster.apply(config_map("left-out", a="1"))["data"] == {"a": "1"}


def test_a_list_can_be_narrowed_by_a_field(cluster: ApiServer) -> None:
    cluster.apply(config_map("narrowed"))
    cluster.apply(config_map("narrowed-not"))
    (found,) = cluster.list(CONFIG_MAP, HOME, fields="metadata.name=narrowed")
    assert found["metadata"]["name"] == "narrowed"


def test_a_field_of_another_manager_is_a_conflict_until_it_is_forced(cluster: ApiServer) -> None:
    cluster.create(config_map("conflict", a="theirs"))
    with pytest.raises(Conflict, match=r"conflict with .*\.data\.a"):
        cluster.apply(config_map("conflict", a="ours"))
    assert cluster.apply(config_map("conflict", a="ours"), force=True)["data"] == {"a": "ours"}


def test_a_dry_run_is_validated_and_stores_nothing(cluster: ApiServer) -> None:
    assert cluster.apply(config_map("dry", a="1"), dry_run=True)["data"] == {"a": "1"}
    with pytest.raises(NotInCluster):
        cluster.get(reference("dry"))
    with pytest.raises(ManifestError, match="not declared in schema"):
        cluster.apply({**config_map("dry"), "dta": {}}, dry_run=True)


def test_creating_what_exists_is_a_conflict(cluster: ApiServer) -> None:
    cluster.create(config_map("twice"))
    with pytest.raises(Conflict, match="already exists"):
        cluster.create(config_map("twice"))


def test_a_patch_changes_what_it_names_and_none_removes(cluster: ApiServer) -> None:
    cluster.apply(config_map("patched", a="1", b="2"))
    changed = cluster.patch(reference("patched"), {"data": {"a": "3", "b": None}})
    assert changed["data"] == {"a": "3"}


def test_a_patch_of_an_older_version_is_a_conflict(cluster: ApiServer) -> None:
    old = cluster.apply(config_map("older", a="1"))["metadata"]["resourceVersion"]
    cluster.patch(reference("older"), {"data": {"a": "2"}})
    with pytest.raises(Conflict, match="has been modified"):
        cluster.patch(
            reference("older"), {"metadata": {"resourceVersion": old}, "data": {"a": "3"}}
        )


def test_a_status_is_patched_through_its_subresource(cluster: ApiServer) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "status", "namespace": HOME},
        "spec": {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "none"},
    }
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "none", "namespace": HOME},
        }
    )
    cluster.create(pod)
    where = Reference(POD, "status", HOME)
    cluster.patch(where, {"status": {"reason": "unseen"}})
    assert "reason" not in cluster.get(where)["status"]
    cluster.patch(where, {"status": {"reason": "seen"}}, subresource="status")
    assert cluster.get(where)["status"]["reason"] == "seen"


def test_deleting_says_whether_there_was_something(cluster: ApiServer) -> None:
    cluster.apply(config_map("deleted"))
    assert cluster.delete(reference("deleted")) is True
    assert cluster.delete(reference("deleted")) is False


def test_a_list_is_whole_however_many_pages_it_takes(
    cluster: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pilotlight.kube.access.PAGE", "2")
    for number in range(5):
        document = config_map(f"page-{number}")
        document["metadata"]["labels"] = {"of": "pages"}
        cluster.apply(document)
    listed = cluster.list(CONFIG_MAP, HOME, labels="of=pages")
    assert [item["metadata"]["name"] for item in listed] == [f"page-{n}" for n in range(5)]
    assert {(item["apiVersion"], item["kind"]) for item in listed} == {("v1", "ConfigMap")}


def test_a_bad_document_is_refused_with_the_field_and_the_reason(cluster: ApiServer) -> None:
    with pytest.raises(ManifestError, match=r"metadata\.name: Invalid value"):
        cluster.apply(config_map("Not_a_name"))
    with pytest.raises(ManifestError, match=r"\.data\.a: expected string"):
        cluster.apply({**config_map("typed"), "data": {"a": 1}})


def test_a_missing_namespace_is_named(cluster: ApiServer) -> None:
    document = config_map("a")
    document["metadata"]["namespace"] = "nowhere"
    with pytest.raises(NotInCluster, match="nowhere"):
        cluster.apply(document)


def test_a_kind_is_found_as_soon_as_its_crd_is_there(cluster: ApiServer) -> None:
    assert not cluster.serves(WIDGET)
    with pytest.raises(NotInCluster, match=r"no Widget\.example"):
        cluster.list(WIDGET)
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.pilotlight.dev"},
        "spec": {
            "group": "example.pilotlight.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"size": {"type": "integer"}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    cluster.apply(crd)
    where = Reference(CUSTOM_RESOURCE, "widgets.example.pilotlight.dev")
    try:
        wait(cluster, where, has_condition("Established"), timeout_s=10)
        widget = {
            "apiVersion": WIDGET.api_version,
            "kind": WIDGET.name,
            "metadata": {"name": "w", "namespace": HOME},
            "spec": {"size": 3},
        }
        assert _eventually(lambda: cluster.apply(widget))["spec"] == {"size": 3}
        with pytest.raises(ManifestError, match="spec"):
            cluster.apply({**widget, "spec": {"sise": 3}})
    finally:
        cluster.delete(where)


def _eventually(apply: Callable[[], Document]) -> Document:
    """The API of a new CRD appears a moment after its condition says so."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return apply()
        except NotInCluster:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_wait_returns_when_the_condition_comes(cluster: ApiServer) -> None:
    cluster.apply(config_map("awaited", state="off"))
    change = {"data": {"state": "on"}}
    later = threading.Timer(0.4, cluster.patch, (reference("awaited"), change))
    later.start()
    found = wait(
        cluster,
        reference("awaited"),
        lambda seen: None if seen["data"]["state"] == "on" else "it is off",
        timeout_s=10,
    )
    later.join()
    assert found["data"] == {"state": "on"}


def test_wait_ends_at_its_deadline_and_says_what_was_wrong(cluster: ApiServer) -> None:
    begin = time.monotonic()
    with pytest.raises(NotReached, match=r"not in 0\.5 s: .*\"never\" not found"):
        wait(cluster, reference("never"), lambda _: None, timeout_s=0.5)
    assert 0.5 <= time.monotonic() - begin < 2


def test_a_user_without_permission_is_told_which_one_is_missing(
    cluster: ApiServer, control_plane: ControlPlane
) -> None:
    with connect(control_plane.kubeconfig, impersonate="jane") as jane:
        with pytest.raises(AccessDenied, match='User "jane" cannot get resource "configmaps"'):
            jane.get(reference("applied"))
        with pytest.raises(AccessDenied, match="cannot patch"):
            jane.apply(config_map("jane"))


def test_a_user_with_a_role_is_let_in(cluster: ApiServer, control_plane: ControlPlane) -> None:
    rbac = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "r", "namespace": HOME},
    }
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    john = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "john"}
    cluster.apply({**rbac, "kind": "Role", "rules": [rule]})
    cluster.apply({**rbac, "kind": "RoleBinding", "roleRef": role, "subjects": [john]})
    cluster.apply(config_map("readable", a="1"))
    with connect(control_plane.kubeconfig, impersonate="john") as opened:
        found = wait(opened, reference("readable"), lambda _: None, timeout_s=5)
    assert found["data"] == {"a": "1"}


def test_credentials_of_another_cluster_are_called_so(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "stranger"}
    stranger = tmp_path / "stranger"
    stranger.write_text(yaml.safe_dump(config))
    with connect(stranger) as opened, pytest.raises(AccessDenied, match="log in again"):
        opened.get(reference("applied"))


def test_an_api_server_that_is_gone_is_said_to_be_inside_the_deadline(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        gone = tmp_path / "gone"
        here = f":{control_plane.endpoint.port}"
        gone.write_text(control_plane.kubeconfig.read_text().replace(here, f":{port}"))
        begin = time.monotonic()
        with connect(gone, timeout_s=2) as opened, pytest.raises(NotReached, match="refused"):
            opened.version()
        assert time.monotonic() - begin < 4
