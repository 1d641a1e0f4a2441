"""Replicas, targets, canaries and edits."""

from collections.abc import Callable

import pytest

from pilotlight_manifests.lint.finding import Finding

Lint = Callable[..., list[Finding]]
Service = Callable[..., str]
STANDARD = "serving.kserve.io/deploymentMode: RawDeployment"


def test_more_replicas_at_least_than_at_most_is_an_error(lint: Lint, service: Service) -> None:
    (finding,) = lint(service(predictor="minReplicas: 3\nmaxReplicas: 2"), "replicas-reversed")
    assert (finding.severity, finding.line) == ("error", 8)
    assert "minReplicas is 3 and maxReplicas 2" in finding.why


@pytest.mark.parametrize(
    "predictor", ["maxReplicas: 0", "minReplicas: 2\nmaxReplicas: 2", "minReplicas: 3"]
)
def test_no_upper_bound_is_not_reversed(lint: Lint, service: Service, predictor: str) -> None:
    assert not lint(service(predictor=predictor), "replicas-reversed")


def test_standard_mode_cannot_scale_to_zero_without_keda(lint: Lint, service: Service) -> None:
    rule = "scale-to-zero-in-standard-mode"
    assert lint(service(predictor="minReplicas: 0", annotations=STANDARD), rule)
    assert not lint(service(predictor="minReplicas: 0"), rule)
    keda = f"{STANDARD}\n    serving.kserve.io/autoscalerClass: keda"
    assert not lint(service(predictor="minReplicas: 0", annotations=keda), rule)


def test_a_canary_percentage_does_nothing_in_standard_mode(lint: Lint, service: Service) -> None:
    rule = "canary-percent-in-standard-mode"
    text = service(predictor="canaryTrafficPercent: 10", annotations=STANDARD)
    assert [f.severity for f in lint(text, rule)] == ["error"]
    assert not lint(text.replace("RawDeployment", "Serverless"), rule)


def test_a_finding_that_rests_on_the_default_mode_says_so(lint: Lint, service: Service) -> None:
    rule = "canary-percent-in-standard-mode"
    text = service(predictor="canaryTrafficPercent: 10")
    assert not lint(text, rule)
    (assumed,) = lint(text, rule, default_mode="Standard")
    assert "--default-mode" in assumed.why
    (said,) = lint(service(predictor="canaryTrafficPercent: 10", annotations=STANDARD), rule)
    assert "--default-mode" not in said.why


@pytest.mark.parametrize(("percent", "findings"), [(-1, 1), (0, 0), (100, 0), (101, 1)])
def test_a_canary_percentage_is_one(
    lint: Lint, service: Service, percent: int, findings: int
) -> None:
    text = service(predictor=f"canaryTrafficPercent: {percent}")
    assert len(lint(text, "canary-percent-range")) == findings


def test_knatives_own_autoscaler_knows_no_cpu(lint: Lint, service: Service) -> None:
    rule = "scale-metric-unsupported"
    assert lint(service(predictor="scaleMetric: cpu"), rule)
    assert not lint(service(predictor="scaleMetric: rps"), rule)
    hpa = "autoscaling.knative.dev/class: hpa.autoscaling.knative.dev"
    assert not lint(service(predictor="scaleMetric: cpu", annotations=hpa), rule)
    assert lint(service(predictor="scaleMetric: concurrency", annotations=STANDARD), rule)
    assert not lint(service(predictor="scaleMetric: cpu", annotations=STANDARD), rule)


def test_a_target_above_the_hard_limit_has_no_effect(lint: Lint, service: Service) -> None:
    rule = "scale-target-above-limit"
    (finding,) = lint(service(predictor="scaleTarget: 64\ncontainerConcurrency: 8"), rule)
    assert "64" in finding.why
    assert "8" in finding.why
    assert not lint(service(predictor="scaleTarget: 8\ncontainerConcurrency: 64"), rule)
    assert not lint(service(predictor="scaleTarget: 8\ncontainerConcurrency: 0"), rule)


def test_an_edit_of_scaling_alone_makes_a_revision(lint: Lint, service: Service) -> None:
    rule = "scaling-edit-makes-revision"
    old, new = service(predictor="minReplicas: 0"), service(predictor="minReplicas: 1")
    (finding,) = lint(new, rule, against=old)
    assert "minReplicas 0 -> 1" in finding.why
    assert "kubectl annotate revision" in finding.do
    assert not lint(new, rule)
    assert not lint(new, rule, against=new)
    assert not lint(new.replace("v0.32.0", "v0.33.0"), rule, against=old)
    assert not lint(new, rule, against=old.replace("name: chat", "name: other"))


def test_no_percentage_is_written_to_a_service_that_kserve_leaves_alone(
    lint: Lint, service: Service
) -> None:
    rule = "auto-update-disabled"
    off = 'serving.kserve.io/disable-auto-update: "true"'
    rollout = (
        "---\napiVersion: pilotlight.dev/v1alpha1\nkind: InferenceRollout\n"
        "metadata: {name: chat}\nspec: {targetRef: {name: chat}}\n"
    )
    assert not lint(service(annotations=off), rule)
    assert not lint(service() + rollout, rule)
    assert lint(service(annotations=off) + rollout, rule)
    assert not lint(service(annotations=off) + rollout.replace("{name: chat}}", "{name: b}}"), rule)
    assert lint(service(annotations=off, predictor="canaryTrafficPercent: 5"), rule)
