"""Which cluster is meant, and what is said of a kubeconfig that cannot be used."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight.kube.kubeconfig import find

GOOD = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [
        {"name": "here", "context": {"cluster": "c", "user": "u"}},
        {"name": "team", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}},
    ],
    "current-context": "here",
}


@pytest.fixture(autouse=True)
def no_cluster_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def written(folder: Path, content: object) -> Path:
    path = folder / "kubeconfig"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_a_file_that_is_named_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    target = find(written(tmp_path, GOOD))
    assert target.configuration.host == "https://192.0.2.1:6443"
    assert target.namespace == "default"


def test_the_environment_names_one_or_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"/nonexistent:{written(tmp_path, GOOD)}")
    assert find().configuration.host == "https://192.0.2.1:6443"


def test_the_home_folder_is_last(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".kube"
    folder.mkdir(parents=True)
    written(folder, GOOD).rename(folder / "config")
    assert find().configuration.host == "https://192.0.2.1:6443"


def test_a_context_brings_its_namespace(tmp_path: Path) -> None:
    assert find(written(tmp_path, GOOD), "team").namespace == "team-a"


def test_no_kubeconfig_at_all_says_how_to_get_one() -> None:
    with pytest.raises(UsageError, match="pilotlight cluster up"):
        find()


def test_an_unknown_context_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no context prod .*\(here, team\)"):
        find(written(tmp_path, GOOD), "prod")


def test_a_pod_without_a_service_account_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    with pytest.raises(UsageError, match="automountServiceAccountToken"):
        find()


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    user = {"client-certificate": "/nonexistent.crt", "client-key": "/nonexistent.key"}
    content = {**GOOD, "users": [{"name": "u", "user": user}]}
    with pytest.raises(UsageError, match=r"/nonexistent\.crt"):
        find(written(tmp_path, content))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "name", "user", "context"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(part=st.sampled_from(list(GOOD)), junk=JUNK)
def test_a_broken_kubeconfig_is_a_usage_error_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, part: str, junk: object
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    for content in ({**GOOD, part: junk}, junk):
        try:
            find(written(folder, content))
        except UsageError as error:
            assert "kubeconfig" in str(error)  # noqa: PT017 - some junk is harmless
