"""Plain Envoy as a reverse proxy: one worker, no limits of its own, nothing logged."""

import json
from pathlib import Path
from typing import Any

_NO_LIMIT = 1_000_000


def write_config(path: Path, port: int, upstream_port: int) -> Path:
    """Write the bootstrap file and return its path."""
    path.write_text(json.dumps(_bootstrap(port, upstream_port), indent=1))
    return path


def _bootstrap(port: int, upstream_port: int) -> dict[str, Any]:
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "in",
                    "address": _address(port),
                    "filter_chains": [{"filters": [_http()]}],
                }
            ],
            "clusters": [_cluster(upstream_port)],
        },
        # Without it, Envoy warns that it has no bound on connections.
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors."
                        "downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": _NO_LIMIT,
                    },
                }
            ]
        },
    }


def _http() -> dict[str, Any]:
    hcm = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{hcm}.HttpConnectionManager",
            "stat_prefix": "in",
            "generate_request_id": False,
            "route_config": {
                "virtual_hosts": [
                    {
                        "name": "all",
                        "domains": ["*"],
                        "routes": [
                            {
                                "match": {"prefix": "/"},
                                "route": {"cluster": "predictor", "timeout": "0s"},
                            }
                        ],
                    }
                ]
            },
            "http_filters": [
                {"name": "envoy.filters.http.router", "typed_config": {"@type": router}}
            ],
        },
    }


def _cluster(port: int) -> dict[str, Any]:
    limits = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {
        "name": "predictor",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, _NO_LIMIT)]},
        "load_assignment": {
            "cluster_name": "predictor",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
