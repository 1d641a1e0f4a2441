"""Prometheus is told of every port that is to be scraped, and of no other."""

from typing import Any

import yaml

from pilotlight_cluster import services
from pilotlight_cluster.discovery import JOBS, Job, targets
from pilotlight_cluster.layout import Layout


def _job(name: str) -> Job:
    return next(job for job in JOBS if job.name == name)


def _pod(namespace: str = "default", phase: str = "Running", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "smollm2-00001",
            "namespace": namespace,
            "labels": {"serving.knative.dev/revision": "smollm2-predictor-00001", **labels},
        },
        "spec": {
            "containers": [
                {"name": "model", "ports": [{"name": "user-port", "containerPort": 8080}]},
                {"name": "queue", "ports": [{"name": "http-usermetric", "containerPort": 9091}]},
                {"name": "bare"},
            ]
        },
        "status": {"phase": phase, "podIP": "10.244.0.9"},
    }


def test_a_served_pod_is_scraped_at_its_model_and_at_its_queue_proxy() -> None:
    (model,) = targets(_job("model"), [_pod()])
    (queue,) = targets(_job("queue-proxy"), [_pod()])
    assert model["targets"] == ["10.244.0.9:8080"]
    assert queue["targets"] == ["10.244.0.9:9091"]


def test_a_target_says_which_revision_it_is_of() -> None:
    (target,) = targets(_job("model"), [_pod(component="predictor")])
    assert target["labels"] == {
        "namespace": "default",
        "pod": "smollm2-00001",
        "revision": "smollm2-predictor-00001",
        "component": "predictor",
    }


def test_a_pod_that_does_not_run_is_no_target() -> None:
    assert not list(targets(_job("model"), [_pod(phase="Pending"), _pod(phase="Succeeded")]))
    starting = _pod()
    del starting["status"]["podIP"]
    assert not list(targets(_job("model"), [starting]))


def test_a_job_of_some_namespaces_leaves_the_others_alone() -> None:
    pod = _pod(namespace="knative-serving")
    pod["spec"]["containers"][0]["ports"] = [{"name": "metrics", "containerPort": 9090}]
    stranger = _pod(namespace="elsewhere")
    stranger["spec"] = pod["spec"]
    assert [t["labels"]["namespace"] for t in targets(_job("knative"), [pod, stranger])] == [
        "knative-serving"
    ]


def test_a_pod_that_names_its_metrics_path_is_scraped_there() -> None:
    pod = _pod()
    pod["metadata"]["annotations"] = {"prometheus.io/path": "/stats/prometheus"}
    (target,) = targets(_job("model"), [pod])
    assert target["labels"]["__metrics_path__"] == "/stats/prometheus"


def test_prometheus_asks_for_every_job(tmp_path: Any) -> None:
    layout = Layout(tmp_path / "cache", tmp_path / "state", tmp_path / "volumes")
    services.prepare(layout)
    (settings,) = services.prometheus(layout).inputs
    jobs = yaml.safe_load(settings.read_text())["scrape_configs"]
    asked = [job["http_sd_configs"][0]["url"].rpartition("/")[2] for job in jobs]
    assert asked == [job.name for job in JOBS]
