"""Does traffic from outside reach a model?"""

from collections.abc import Iterator

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation
from pilotlight_cluster.check.readiness import running

WHY = "Without it no request reaches a model, and no Route becomes ready."
# Routes under it are cluster-local (serving/pkg/reconciler/route/config/domain.go).
CLUSTER_DOMAIN = "svc.cluster.local"


def gateway(seen: Observation) -> Iterator[Finding]:
    """The ingress class, and what implements it."""
    settings = seen.settings("config-network")
    if settings is None:
        return
    found = parts.gateway_of(settings)
    if isinstance(found, str):
        yield Finding(
            "knative.ingress-class",
            Level.INFO,
            "Gateway",
            f"ingress class {found}",
            "Pilotlight does not know this gateway and cannot tell whether it runs.",
        )
        return
    proxies = [name for name in found.proxies if _there(seen, name)] or list(found.proxies[:1])
    controller = seen.workloads[found.controller]
    if not controller.denied and controller.value is None:
        yield _missing(seen, found)
        return
    yield from running(seen, "gateway.ready", "Gateway", [found.controller, *proxies], WHY)
    yield from _service(seen, found)


def domain(seen: Observation) -> Iterator[Finding]:
    """The addresses that models get."""
    settings = seen.settings("config-domain")
    if settings is None:
        return
    everyone = sorted(name for name, selector in settings.items() if "selector" not in selector)
    title = "Addresses of models"
    if everyone and everyone[0] != CLUSTER_DOMAIN:
        yield Finding("knative.domain", Level.OK, title, f"under {everyone[0]}")
        return
    yield Finding(
        "knative.domain",
        Level.WARNING,
        title,
        f"under {CLUSTER_DOMAIN}",
        "Without a domain of its own, Knative makes every model reachable from inside the cluster "
        "only. sslip.io resolves an address inside the name; take your own domain for more than a "
        "try.",
        (
            mending.settings(
                seen.kubectl, "config-domain", parts.SERVING, {"127.0.0.1.sslip.io": ""}
            ),
        ),
    )


def _there(seen: Observation, name: str) -> bool:
    return seen.workloads[name].value is not None or bool(seen.workloads[name].denied)


def _missing(seen: Observation, found: parts.Gateway) -> Finding:
    kourier = parts.GATEWAYS[0]
    change = {"ingress-class": kourier.ingress_class}
    mend = [mending.install_kourier(seen.kubectl)]
    if found is not kourier:
        mend.append(mending.settings(seen.kubectl, "config-network", parts.SERVING, change))
    return Finding(
        "gateway.ready",
        Level.ERROR,
        "Gateway",
        f"config-network asks for {found.name} (ingress class {found.ingress_class}), and "
        f"{found.controller} is missing",
        f"{WHY} Install {found.name}, or Kourier, the smallest gateway.",
        tuple(mend),
    )


def _service(seen: Observation, found: parts.Gateway) -> Iterator[Finding]:
    looks = {name: seen.services[name] for name in found.services}
    if not looks or any(look.denied for look in looks.values()):
        return
    there = [name for name, look in looks.items() if look.value]
    if there:
        yield Finding("gateway.service", Level.OK, "Gateway's service", there[0])
        return
    namespace = found.services[0].partition("/")[0]
    yield Finding(
        "gateway.service",
        Level.ERROR,
        "Gateway's service",
        f"none of {', '.join(found.services)}",
        "Nothing leads to the gateway's pods.",
        (f"{seen.kubectl} get services -n {namespace}",)
        if found is not parts.GATEWAYS[0]
        else (mending.install_kourier(seen.kubectl),),
    )
