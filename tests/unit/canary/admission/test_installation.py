"""manifests/controller/rollout and the controller's settings call things by the same names."""

from pathlib import Path
from typing import Any

import yaml

from pilotlight.kube.document import Document
from pilotlight_canary.admission.webhooks import NAME
from pilotlight_canary.controller.settings import ControllerSettings

FOLDER = Path(__file__).parents[4] / "manifests" / "controller" / "rollout"
SETTINGS = ControllerSettings(lease_namespace="any")


def documents(kind: str) -> list[Document]:
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        found += [d for d in yaml.safe_load_all(file.read_text()) if d and d["kind"] == kind]
    return found


def names(kind: str) -> list[str]:
    return [document["metadata"]["name"] for document in documents(kind)]


def rules(kind: str, name: str) -> list[dict[str, Any]]:
    (role,) = [d for d in documents(kind) if d["metadata"]["name"] == name]
    found: list[dict[str, Any]] = role["rules"]
    return found


def test_the_names_are_those_of_the_settings() -> None:
    assert names("ServiceAccount") == [SETTINGS.account]
    assert names("Secret") == [SETTINGS.admission_secret]
    assert names("Service") == [SETTINGS.admission_service]
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        assert names(kind) == [NAME]


def test_every_variable_is_a_setting() -> None:
    (deployment,) = documents("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    prefix = str(ControllerSettings.model_config["env_prefix"])
    for variable in container["env"]:
        if variable["name"].startswith(prefix):
            field = variable["name"].removeprefix(prefix).lower()
            assert field in ControllerSettings.model_fields


def test_two_replicas_answer_and_one_always_stays() -> None:
    (deployment,) = documents("Deployment")
    (budget,) = documents("PodDisruptionBudget")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert budget["spec"]["minAvailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


def test_permissions_name_what_they_are_for() -> None:
    everywhere = rules("ClusterRole", SETTINGS.account)
    granted = [word for rule in everywhere for key in ("verbs", "resources") for word in rule[key]]
    assert "*" not in granted
    assert "secrets" not in granted
    own = rules("Role", SETTINGS.account)
    named = {name for rule in own for name in rule.get("resourceNames", ())}
    assert named == {SETTINGS.lease_name, SETTINGS.admission_secret}
