"""Prometheus and Redis as Debian ships them, beside the cluster and reachable from its pods."""

import sys
from pathlib import Path

import yaml

from pilotlight_cluster import discovery as discovered
from pilotlight_cluster.file import write
from pilotlight_cluster.health import answers, listens
from pilotlight_cluster.layout import Layout
from pilotlight_cluster.network import NODE_ADDRESS
from pilotlight_cluster.process import Program

PROMETHEUS_PORT = 9090
REDIS_PORT = 6379
DISCOVERY_PORT = 19090
SCRAPE_INTERVAL_S = 5


def prepare(layout: Layout) -> None:
    """Write Prometheus' settings, and make Redis' folder."""
    write(_prometheus_settings(layout), yaml.safe_dump(_scraping()))
    _redis_folder(layout).mkdir(parents=True, exist_ok=True)


def prometheus(layout: Layout) -> Program:
    """Prometheus, scraping Knative, KServe, the gateway and every served pod."""
    settings = _prometheus_settings(layout)
    return Program(
        name="prometheus",
        argv=(
            "prometheus",
            f"--config.file={settings}",
            f"--storage.tsdb.path={settings.with_name('data')}",
            "--storage.tsdb.retention.time=1d",
            f"--web.listen-address={NODE_ADDRESS}:{PROMETHEUS_PORT}",
        ),
        healthy=lambda: answers(f"http://{NODE_ADDRESS}:{PROMETHEUS_PORT}/-/ready"),
        inputs=(settings,),
    )


def discovery(layout: Layout) -> Program:
    """What tells Prometheus of pods."""
    return Program(
        name="discovery",
        argv=(
            sys.executable,
            "-m",
            discovered.__name__,
            str(layout.kubeconfig),
            str(DISCOVERY_PORT),
        ),
        healthy=listens("127.0.0.1", DISCOVERY_PORT),
        inputs=(Path(discovered.__file__),),
    )


def redis(layout: Layout) -> Program:
    """Redis, in memory only."""
    return Program(
        name="redis",
        argv=(
            # Every pod and user of this machine may speak to it.
            *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
            "redis-server",
            *("--bind", NODE_ADDRESS),
            *("--port", str(REDIS_PORT)),
            *("--dir", str(_redis_folder(layout))),
            *("--save", ""),
            *("--protected-mode", "no"),
        ),
        healthy=listens(NODE_ADDRESS, REDIS_PORT),
    )


def documents() -> list[dict[str, object]]:
    """Services by which pods find both: ``prometheus`` and ``redis`` in ``pilotlight-system``."""
    namespace = "pilotlight-system"
    found: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    ]
    for name, port in (("prometheus", PROMETHEUS_PORT), ("redis", REDIS_PORT)):
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"ports": [{"name": name, "port": port}]},
            }
        )
        found.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [{"name": name, "port": port}],
                "endpoints": [{"addresses": [NODE_ADDRESS]}],
            }
        )
    return found


def _prometheus_settings(layout: Layout) -> Path:
    return layout.state / "prometheus" / "prometheus.yml"


def _redis_folder(layout: Layout) -> Path:
    return layout.state / "redis"


def _scraping() -> dict[str, object]:
    return {
        "global": {"scrape_interval": f"{SCRAPE_INTERVAL_S}s"},
        "scrape_configs": [
            {
                "job_name": job.name,
                "http_sd_configs": [
                    {
                        "url": f"http://127.0.0.1:{DISCOVERY_PORT}/{job.name}",
                        "refresh_interval": f"{SCRAPE_INTERVAL_S}s",
                    }
                ],
            }
            for job in discovered.JOBS
        ],
    }
