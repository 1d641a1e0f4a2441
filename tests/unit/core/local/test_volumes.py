"""ConfigMaps, Secrets and empty volumes: as files and as variables."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotlight.errors import ManifestError, ProcessError
from pilotlight.local.plan import Plan
from pilotlight.local.program import Program
from pilotlight.local.volumes import Folder

Planner = Callable[..., Plan]

SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"a.yaml": "folder: /var/store/x", "COLOUR": "red", "1-no-name": "x"},
    "binaryData": {"blob": base64.b64encode(b"\xff/var/store").decode()},
}
KEYS = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "keys"},
    "data": {"token": base64.b64encode(b"hidden /var/store").decode(), "both": "YQ=="},
    "stringData": {"both": "b"},
}
VOLUMES: list[dict[str, Any]] = [
    {"name": "settings", "configMap": {"name": "settings"}},
    {"name": "keys", "secret": {"secretName": "keys"}},
    {"name": "store", "emptyDir": {}},
]


def service(volumes: list[dict[str, Any]] = VOLUMES, **container: Any) -> dict[str, Any]:
    image = {"image": "pilotlight-predictor", "command": ["p"]}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "chat"},
        "spec": {"predictor": {"containers": [image | container], "volumes": volumes}},
    }


def mounted(*names: str) -> list[dict[str, str]]:
    places = {"settings": "/etc/settings", "keys": "/etc/keys", "store": "/var/store"}
    return [{"name": name, "mountPath": places[name]} for name in names]


def made(planned: Planner, **container: Any) -> Program:
    program = planned(service(**container), SETTINGS, KEYS).entrance
    for folder in program.folders:
        folder.make()
    return program


def test_objects_are_files_and_paths_to_them_are_those_of_this_machine(
    planned: Planner, tmp_path: Path
) -> None:
    program = made(
        planned,
        args=["--settings=/etc/settings/a.yaml"],
        env=[{"name": "KEYS", "value": "/etc/keys/token"}],
        volumeMounts=mounted("settings", "keys"),
    )
    here = tmp_path / "scratch/predictor"
    assert program.argv[1:] == (f"--settings={here}/settings/a.yaml",)
    assert program.env["KEYS"] == f"{here}/keys/token"
    assert (here / "settings/COLOUR").read_text() == "red"
    assert (here / "keys/both").read_text() == "b"


def test_a_mount_point_moves_in_the_texts_of_a_config_map_and_in_nothing_else(
    planned: Planner, tmp_path: Path
) -> None:
    made(planned, volumeMounts=mounted("settings", "keys", "store"))
    here = tmp_path / "scratch/predictor"
    assert (here / "settings/a.yaml").read_text() == f"folder: {here}/store/x"
    assert (here / "settings/blob").read_bytes() == b"\xff/var/store"
    assert (here / "keys/token").read_bytes() == b"hidden /var/store"


def test_only_its_owner_reads_a_secret(planned: Planner, tmp_path: Path) -> None:
    made(planned, volumeMounts=mounted("settings", "keys"))
    folder = tmp_path / "scratch/predictor/keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_items_choose_and_name_the_files(planned: Planner, tmp_path: Path) -> None:
    volumes = [
        {
            "name": "keys",
            "secret": {"secretName": "keys", "items": [{"key": "token", "path": "deep/it"}]},
        }
    ]
    made(planned, volumes=volumes, volumeMounts=mounted("keys"))
    files = [p for p in (tmp_path / "scratch/predictor/keys").rglob("*") if p.is_file()]
    assert [file.name for file in files] == ["it"]
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


def test_a_sub_path_is_one_file_of_the_volume(planned: Planner) -> None:
    mount = {"name": "settings", "mountPath": "/app/a.yaml", "subPath": "a.yaml"}
    program = made(planned, args=["/app/a.yaml"], volumeMounts=[mount])
    assert Path(program.argv[1]).read_text() == "folder: /var/store/x"


def test_an_empty_volume_is_a_folder_of_the_run_and_tmp_is_this_machines(
    planned: Planner,
) -> None:
    mounts = [*mounted("store"), {"name": "store", "mountPath": "/tmp"}]
    program = made(planned, args=["/var/store", "/tmp"], volumeMounts=mounts)
    assert list(Path(program.argv[1]).iterdir()) == []
    assert program.argv[2] == "/tmp"


def test_variables_come_from_objects_and_the_containers_own_stand_above_them(
    planned: Planner,
) -> None:
    program = made(
        planned,
        args=["$(TOKEN)"],
        envFrom=[{"configMapRef": {"name": "settings"}}, {"prefix": "K_", "secretRef": KEYS_REF}],
        env=[
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "both"}}},
            {"name": "HUE", "valueFrom": {"configMapKeyRef": COLOUR_REF}},
            {"name": "NONE", "valueFrom": {"configMapKeyRef": {**NO_KEY, "optional": True}}},
            {"name": "COLOUR", "value": "$(HUE)dish"},
        ],
        volumes=[],
    )
    env = program.env
    assert program.argv[1:] == ("b",)
    assert (env["HUE"], env["COLOUR"], env["K_both"]) == ("red", "reddish", "b")
    assert not {"1-no-name", "NONE"} & set(env)


KEYS_REF = {"name": "keys"}
COLOUR_REF = {"name": "settings", "key": "COLOUR"}
NO_KEY = {"name": "settings", "key": "no"}
GONE: dict[str, Any] = {"name": "gone"}


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"envFrom": [{"secretRef": GONE}]}, "envFrom[0]: the Secret 'gone' is not in this file"),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": NO_KEY}}]},
            "env[0].valueFrom: the ConfigMap 'settings' has no key 'no'",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {**NO_KEY, "key": "blob"}}}]},
            "env[0].valueFrom: the value is no text",
        ),
        (
            {"volumes": [{"name": "keys", "secret": {"secretName": "gone"}}]},
            "volumeMounts[0]: the Secret 'gone' is not in this file; add its document",
        ),
        (
            {
                "volumes": [
                    {
                        "name": "keys",
                        "secret": {
                            "secretName": "keys",
                            "items": [{"key": "token", "path": "../out"}],
                        },
                    }
                ]
            },
            "volumeMounts[0]: the item's path '../out' leaves its volume",
        ),
    ],
)
def test_what_is_missing_is_named(planned: Planner, container: dict[str, Any], said: str) -> None:
    mounts = mounted("keys") if "volumes" in container else []
    with pytest.raises(ManifestError) as error:
        planned(service(**{"volumeMounts": mounts, **container}), SETTINGS, KEYS)
    assert said in str(error.value)
    assert "hidden" not in str(error.value)


def test_what_is_optional_may_be_missing(planned: Planner) -> None:
    program = made(
        planned,
        envFrom=[{"secretRef": {**GONE, "optional": True}}],
        volumes=[{"name": "keys", "secret": {"secretName": "gone", "optional": True}}],
        volumeMounts=mounted("keys"),
    )
    assert [dict(folder.files) for folder in program.folders] == [{}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": {"a": "no base64!"}}, "data.a: the value is not base64"),
        ({"stringData": {"../a": "b"}}, "'../a' is no key"),
        ({"stringData": {"..": "b"}}, "'..' is no key"),
    ],
)
def test_a_secret_that_no_cluster_would_take_is_refused(
    planned: Planner, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ManifestError) as error:
        planned(service(), KEYS | change)
    assert said in str(error.value)
    assert "(Secret keys)" in str(error.value)


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProcessError, match="cannot be written: Not a directory"):
        Folder(tmp_path / "file" / "folder").make()
