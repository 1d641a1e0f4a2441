"""Cold starts, timeouts, grace periods and probes."""

from collections.abc import Callable

import pytest

from pilotlight_manifests.lint.finding import Finding
from pilotlight_manifests.lint.start_phases import StartPhases

Lint = Callable[..., list[Finding]]
Service = Callable[..., str]
STANDARD = "serving.kserve.io/deploymentMode: Standard"
LLAMA_70B = "--model=meta-llama/Llama-3.1-70B-Instruct"


@pytest.mark.parametrize(("timeout", "findings"), [(600, 0), (601, 1)])
def test_knative_refuses_a_timeout_above_its_maximum(
    lint: Lint, service: Service, timeout: int, findings: int
) -> None:
    rule = "timeout-above-maximum"
    text = service(predictor=f"timeout: {timeout}")
    assert len(lint(text, rule)) == findings
    assert not lint(text, rule, max_timeout_s=3600)
    assert not lint(service(predictor="timeout: 3600", annotations=STANDARD), rule)


def test_a_cold_start_from_zero_must_fit_into_the_timeout(lint: Lint, service: Service) -> None:
    rule = "cold-start-exceeds-timeout"
    text = service(LLAMA_70B, predictor="minReplicas: 0\ntimeout: 300")
    # 70.55 G parameters of 2 bytes: 141.1 GB.
    (finding,) = lint(text, rule, bandwidth=0.4e9)
    assert finding.severity == "error"
    assert "141 GB of weights at 400 MB/s take 353 s at least" in finding.why
    assert not lint(text, rule, bandwidth=0.5e9)
    assert not lint(text.replace("minReplicas: 0", "minReplicas: 1"), rule, bandwidth=0.4e9)


def test_without_a_bandwidth_the_needed_one_is_said(lint: Lint, service: Service) -> None:
    rule = "cold-start-exceeds-timeout"
    (finding,) = lint(service(LLAMA_70B, predictor="minReplicas: 0"), rule)
    assert finding.severity == "info"
    assert "470 MB/s at least" in finding.why
    small = service("--model=Qwen/Qwen2.5-0.5B", predictor="minReplicas: 0")
    assert not lint(small, rule)


def test_a_measured_start_counts_more_than_an_estimate(lint: Lint, service: Service) -> None:
    rule = "cold-start-exceeds-timeout"
    text = service(LLAMA_70B, predictor="minReplicas: 0\ntimeout: 100")
    measured = {"chat": StartPhases(99.0, "phases.json")}
    assert not lint(text, rule, bandwidth=0.4e9, start_phases=measured)
    slow = {"": StartPhases(100.5, "phases.json")}
    (finding,) = lint(text, rule, start_phases=slow)
    assert "100.5 s (phases.json)" in finding.why
    assert not lint(text, rule, start_phases={"other": StartPhases(1e4, "p")}, bandwidth=9e9)


def test_a_start_must_end_before_the_progress_deadline(lint: Lint, service: Service) -> None:
    rule = "cold-start-exceeds-progress-deadline"
    text = service(LLAMA_70B)
    assert lint(text, rule, bandwidth=0.2e9)
    assert not lint(text, rule, bandwidth=0.3e9)
    longer = service(LLAMA_70B, annotations="serving.knative.dev/progress-deadline: 20m")
    assert not lint(longer, rule, bandwidth=0.2e9)
    assert lint(longer, rule, bandwidth=0.1e9)


def test_a_pod_has_as_long_to_stop_as_a_request_may_take(lint: Lint, service: Service) -> None:
    rule = "grace-shorter-than-timeout"
    (finding,) = lint(service(predictor="timeout: 120", annotations=STANDARD), rule)
    assert "120 s" in finding.why
    assert "30 s" in finding.why
    enough = "timeout: 120\nterminationGracePeriodSeconds: 120"
    assert not lint(service(predictor=enough, annotations=STANDARD), rule)
    assert not lint(service(annotations=STANDARD), rule)
    assert not lint(service(predictor="timeout: 120"), rule)


@pytest.mark.parametrize(("grace", "findings"), [(90, 1), (590, 0), (700, 1)])
def test_the_servers_own_grace_period_fits_the_pods(
    lint: Lint, service: Service, grace: int, findings: int
) -> None:
    text = service(
        f"--grace-period-s={grace}",
        predictor="timeout: 600",
        image="dev.local/pilotlight-predictor:dev",
    )
    assert len(lint(text, "server-grace-mismatch")) == findings


LIVENESS = """
livenessProbe:
  httpGet: {path: /health, port: 8000}
  periodSeconds: 5
  failureThreshold: 3
"""


def test_liveness_may_not_kill_what_loads(lint: Lint, service: Service) -> None:
    rule = "liveness-kills-loading"
    (finding,) = lint(service(container=LIVENESS), rule)
    assert "after 10 s" in finding.why
    patient = LIVENESS + "  initialDelaySeconds: 60\n"
    assert not lint(service(container=patient), rule)
    assert lint(service(LLAMA_70B, container=patient), rule, bandwidth=1e9)
    startup = LIVENESS + "startupProbe:\n  httpGet: {path: /health, port: 8000}\n"
    assert not lint(service(container=startup), rule)
    assert not lint(service(container=LIVENESS, image="pilotlight-predictor:1"), rule)
    assert not lint(service(container=LIVENESS, image="nginx:1.27"), rule)
