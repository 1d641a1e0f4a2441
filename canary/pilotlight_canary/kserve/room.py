"""Whether a cluster can take more pods of a version: counted, before any of them is made.

A rough count: what pods ask of each other (anti-affinity, topology) is the scheduler's business,
and nodes that an autoscaler would add are not there yet.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pilotlight.kube.document import Document
from pilotlight.kube.quantity import quantity
from pilotlight.kube.resources import PODS, Amounts, asked, left_on, on_nodes, times
from pilotlight_canary.kserve.nodes import takes
from pilotlight_canary.observation import Room

# Quotas name some resources without saying whether they mean requests.
REQUESTED = ("cpu", "memory", "ephemeral-storage")
LONG_RUNNING = frozenset({"NotTerminating", "NotBestEffort"})


def room(
    template: Mapping[str, Any],
    nodes: Sequence[Document],
    pods: Sequence[Document],
    quotas: Sequence[Document],
    wanted: int,
) -> Room:
    """How many more pods of a template would find a place.

    Args:
        template: A pod template, as in a Deployment's spec.
        nodes: Of the cluster.
        pods: Of all namespaces.
        quotas: ResourceQuotas of the pods' namespace.
        wanted: So many are asked for.
    """
    allowed, quota = _allowed(template["spec"], quotas)
    fit, nowhere = _fitting(template["spec"], nodes, pods)
    found = min(allowed, fit, wanted)
    if found >= wanted:
        return Room(wanted)
    short = quota if allowed <= fit else nowhere
    return Room(found, f"room for {found} of {wanted} more pods: {short}")


def _fitting(
    spec: Mapping[str, Any], nodes: Sequence[Document], pods: Sequence[Document]
) -> tuple[int, str]:
    suitable = [node for node in nodes if takes(node, spec)]
    if not suitable:
        return 0, f"none of {len(nodes)} nodes is up and takes them (node selector, taints)"
    each = asked(spec) | {PODS: Decimal(1)}
    busy = on_nodes(pods)
    short: Counter[str] = Counter()
    total = 0
    for node in suitable:
        name = node["metadata"]["name"]
        fits, resource = times(left_on(node, busy.get(name, ())), each)
        total += fits
        short[resource] += 1
    [(resource, count)] = short.most_common(1)
    return total, (
        f"{resource} runs out on {count} of {len(suitable)} suitable nodes, "
        f"where a pod needs {each[resource].normalize():f}"
    )


def _allowed(spec: Mapping[str, Any], quotas: Sequence[Document]) -> tuple[int, str]:
    """How many the namespace's quotas admit, and which of them is the tightest."""
    requests, limits = asked(spec), asked(spec, "limits")
    costs: Amounts = {PODS: Decimal(1), "count/pods": Decimal(1)}
    costs |= {f"requests.{name}": amount for name, amount in requests.items()}
    costs |= {name: requests[name] for name in REQUESTED if name in requests}
    costs |= {f"limits.{name}": amount for name, amount in limits.items()}
    least, words = 10**9, ""
    for quota in quotas:
        spec_ = quota.get("spec") or {}
        if spec_.get("scopeSelector") or set(spec_.get("scopes") or ()) - LONG_RUNNING:
            continue
        status = quota.get("status") or {}
        for name, text in (status.get("hard") or {}).items():
            if not (cost := costs.get(name)):
                continue
            used = quantity((status.get("used") or {}).get(name) or 0)
            fits = int(max(quantity(text) - used, Decimal(0)) // cost)
            if fits < least:
                least = fits
                words = f"quota {quota['metadata']['name']}: {name} is {used:f} of {text}"
    return least, words
