"""What runs on this machine for one InferenceService."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import ManifestError
from pilotlight.local.documents import read
from pilotlight.local.plan import Plan, Wishes, plan
from pilotlight.local.program import with_option
from pilotlight.local.storage import Claims

Planner = Callable[..., Plan]
EXAMPLE = Path(__file__).parents[4] / "manifests/examples/smollm2.yaml"
IMAGE = "registry.example/team/pilotlight-predictor:1.2@sha256:ab"


def service(name: str = "chat", transformer: Any = None, **container: Any) -> dict[str, Any]:
    predictor: dict[str, Any] = {"containers": [{"image": IMAGE, **container}]}
    predictor["volumes"] = [
        {"name": "adapters", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
        {"name": "secret", "secret": {"secretName": "s"}},
        {"name": "host", "hostPath": {"path": "/"}},
    ]
    spec = {"predictor": predictor} | ({"transformer": transformer} if transformer else {})
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": spec,
    }


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_the_example_runs_as_it_is_deployed(tmp_path: Path) -> None:
    model = tmp_path / "pilotlight-models" / "smollm2-135m-instruct"
    model.mkdir(parents=True)
    wishes = Wishes(Claims({}, tmp_path), {}, tmp_path)
    (program,) = plan(read(EXAMPLE), EXAMPLE, wishes).programs
    assert program.argv == (
        *(sys.executable, "-m", "pilotlight_predictor"),
        "--model_name=smollm2",
        f"--model_dir={model}",
        "--dtype=float32",
        "--enforce-eager",
        "--max-model-len=2048",
        "--kv-cache-memory-bytes=1073741824",
        "--grace-period-s=590",
    )
    assert program.env == {"STORAGE_URI": str(model), "PORT": "8080"}
    assert program.port == 8080
    assert program.grace_s == 600


def test_an_image_is_known_by_its_last_name(planned: Planner) -> None:
    assert planned(service()).entrance.argv == (sys.executable, "-m", "pilotlight_predictor")
    with pytest.raises(ManifestError, match=r"containers\[0\]\.image: 'vllm/vllm-openai:v1' has"):
        planned(service(image="vllm/vllm-openai:v1"))


def test_a_command_takes_the_place_of_the_images_entry_point(planned: Planner) -> None:
    program = planned(service(command=["python", "-V"], args=["x"])).entrance
    assert program.argv == (sys.executable, "-V", "x")


def test_references_see_earlier_variables_and_the_port(planned: Planner) -> None:
    program = planned(
        service(
            args=["--at=$(URL)", "$(LATER)", "$$(PORT)"],
            env=env(URL="http://x:$(PORT)/$(LATER)", LATER="l"),
        )
    ).entrance
    assert program.env["URL"] == "http://x:8080/$(LATER)"
    assert program.argv[3:] == ("--at=http://x:8080/$(LATER)", "l", "$(PORT)")


def test_the_storage_uri_becomes_the_models_place(planned: Planner, claims: Claims) -> None:
    model = claims.default / "models" / "small"
    program = planned(
        service(
            args=["--model_dir=/mnt/models"],
            env=env(STORAGE_URI="pvc://models/small", CONFIG="/mnt/models/config.json"),
        )
    ).entrance
    assert program.argv[3:] == (f"--model_dir={model}",)
    assert program.env["STORAGE_URI"] == str(model)
    assert program.env["CONFIG"] == f"{model}/config.json"


def test_a_mounted_claim_moves_and_an_empty_directory_stays(
    planned: Planner, claims: Claims
) -> None:
    program = planned(
        service(
            args=["--adapters=/adapters/x", "--shm=/dev/shm"],
            volumeMounts=[
                {"name": "adapters", "mountPath": "/adapters", "subPath": "small"},
                {"name": "shm", "mountPath": "/dev/shm"},
            ],
        )
    ).entrance
    small = claims.default / "models" / "small"
    assert program.argv[3:] == (f"--adapters={small}/x", "--shm=/dev/shm")


def test_the_environment_is_this_machines_less_what_belongs_to_knative_or_the_client(
    planned: Planner,
) -> None:
    environ = {
        "HOME": "/me",
        "PORT": "1",
        "K_REVISION": "someone-elses",
        "PILOTLIGHT_API_KEY": "the client's",
    }
    plain = planned(service(), environ=environ).entrance.env
    assert plain == {"HOME": "/me", "PORT": "8080"}
    knative = planned(service(), environ=environ, knative=True).entrance.env
    assert knative["K_REVISION"] == "chat-predictor-00001"
    assert knative["K_SERVICE"] == knative["K_CONFIGURATION"] == "chat-predictor"


def test_the_port_is_the_containers_until_another_is_asked_for(planned: Planner) -> None:
    ports = [{"containerPort": 9000, "name": "h2c"}]
    own = planned(service(ports=ports, args=["--http_port", "9000", "-x"])).entrance
    assert (own.port, own.env["PORT"], own.argv[3:]) == (
        9000,
        "9000",
        ("--http_port", "9000", "-x"),
    )
    moved = planned(service(ports=ports, args=["--http-port", "9000", "-x"]), port=7000).entrance
    assert (moved.port, moved.env["PORT"]) == (7000, "7000")
    assert moved.argv[3:] == ("-x", "--http_port=7000", "--grpc_port=7001")


def test_a_transformer_takes_the_port_and_is_told_where_its_predictor_is(
    planned: Planner,
) -> None:
    transformer = {
        "containerConcurrency": 4,
        "containers": [
            {"image": "x/pilotlight-transformer", "command": ["t"], "args": ["--own"]},
        ],
    }
    behind, entrance = planned(service(transformer=transformer)).programs
    assert (behind.role, behind.port, behind.env["PORT"]) == ("predictor", 8180, "8180")
    assert "--http_port=8180" in behind.argv
    assert (entrance.role, entrance.port) == ("transformer", 8080)
    assert entrance.argv == (
        *("t", "--own", "--model_name", "chat", "--predictor_host", "127.0.0.1:8180"),
        *("--http_port", "8080", "--workers", "4"),
    )


def test_a_transformer_that_is_not_installed_is_said_so(
    planned: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pilotlight.local.program.find_spec", lambda _: None)
    transformer = {"containers": [{"image": "pilotlight-transformer"}]}
    with pytest.raises(ManifestError, match="pilotlight_transformer, which is not installed"):
        planned(service(command=["p"], transformer=transformer))


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"env": [{"name": "K", "valueFrom": {"fieldRef": {}}}]}, "env[0].valueFrom: K comes from"),
        ({"volumeMounts": [{"name": "no", "mountPath": "/a"}]}, "volumeMounts[0]: no volume is"),
        ({"volumeMounts": [{"name": "host", "mountPath": "/a"}]}, "volumeMounts[0]: only emptyDir"),
        ({"volumeMounts": [{"name": "secret", "mountPath": "/a"}]}, "the Secret 's' is not in"),
        ({"env": env(STORAGE_URI="s3://b/m")}, "(storage URI): 's3://b/m' would be downloaded"),
        ({"env": env(STORAGE_URI="pvc://models/no")}, "does not exist; "),
    ],
)
def test_what_needs_a_cluster_is_named(
    planned: Planner, container: dict[str, Any], field: str
) -> None:
    with pytest.raises(ManifestError) as error:
        planned(service(**container))
    assert f"spec.predictor.containers[0]{' ' if field[0] == '(' else ''}" in str(error.value)
    assert field in str(error.value)


def test_the_main_container_is_the_only_one_or_the_one_with_kserves_name(
    planned: Planner,
) -> None:
    document = service()
    containers = document["spec"]["predictor"]["containers"]
    containers.insert(0, {"name": "proxy", "image": "envoy"})
    with pytest.raises(ManifestError, match="name the main one kserve-container"):
        planned(document)
    containers[1]["name"] = "kserve-container"
    assert planned(document).entrance.argv[2] == "pilotlight_predictor"
    containers.clear()
    with pytest.raises(ManifestError, match="neither `containers` nor `model` is set"):
        planned(document)


def test_one_service_runs_and_it_must_be_clear_which(planned: Planner) -> None:
    both = (service("a", args=["a"]), service("b", args=["b"]))
    assert planned(*both, name="b").service == "b"
    with pytest.raises(ManifestError, match="choose one by --name: a, b"):
        planned(*both)
    with pytest.raises(ManifestError, match="no InferenceService is named 'c'; there are: a, b"):
        planned(*both, name="c")
    with pytest.raises(ManifestError, match="no InferenceService"):
        planned("{apiVersion: v1, kind: Secret, metadata: {name: s}}")


def test_what_is_left_to_the_cluster_is_noted(planned: Planner) -> None:
    others = (
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: used-here}}",
    )
    notes = planned(service(resources={"limits": {"cpu": 1}}), *others).notes
    assert notes == ("resources are not limited here", "left to the cluster: ServiceAccount reader")
    assert planned(service()).notes == ()


def test_several_storage_uris_are_refused(planned: Planner) -> None:
    document = service()
    document["spec"]["predictor"]["storageUris"] = [{"uri": "s3://a/b"}]
    with pytest.raises(ManifestError, match=r"spec\.predictor\.storageUris: not supported"):
        planned(document)


WORDS = st.lists(
    st.sampled_from(["--http_port=1", "--http-port=2", "--http_port_x=3", "-v", "word", "--a=b"])
)


@given(WORDS)
def test_an_option_stands_once_and_all_others_stay(args: list[str]) -> None:
    others = [word for word in args if word not in {"--http_port=1", "--http-port=2"}]
    assert with_option(args, "http_port", "9") == [*others, "--http_port=9"]


def test_an_option_and_its_value_in_two_words_are_replaced_together() -> None:
    args = ["--http-port", "1", "--x", "--http_port"]
    assert with_option(args, "http_port", "9") == ["--x", "--http_port=9"]
