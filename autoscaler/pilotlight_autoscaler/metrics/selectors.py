"""What Prometheus is asked for."""

import re
from collections.abc import Iterable

from pilotlight_autoscaler.metrics import families as f
from pilotlight_autoscaler.metrics.subject import Subject

SCRAPE = frozenset({"job", "instance", "endpoint", "container", "prometheus"})
"""Labels of whoever scrapes; the rest is the series' own."""
LOOK_BACK_S = 900
"""For so long a replica that is not scraped is taken for the same one afterwards."""
MINUTE = "1m"
SEEN = "90s"


def pods(namespace: str, prefixes: Iterable[str]) -> str:
    """All that replicas of a namespace tell."""
    names = {name for prefix in prefixes for name in f.pod_names(prefix)}
    # Of a start only the whole is read, and whatever has no phases has all of it.
    return f'{{__name__=~"{_either(names)}",namespace="{namespace}",phase=~"total|"}}'


def knative(namespace: str) -> str:
    """All that Knative tells of a namespace's revisions."""
    return f'{{__name__=~"{_either(f.KNATIVE)}",{f.NAMESPACE_LABEL}="{namespace}"}}'


def arrivals(subject: Subject) -> str:
    """Requests that came in the minute before, of whichever family is there.

    ``increase`` would lose what a replica counted before its first scrape: the requests that
    woke the service. So a counter is compared with its last value before that minute, even if
    it was not scraped in between, and a new or restarted one counts as it is; for ours, only if
    it says itself that it is new: it may have been out of sight for longer.
    """
    families = f.pod_families(subject.prefix)
    own, *others = (_of(family[0], subject) for family in families[f.REQUESTS])
    new = f"{_of(families[f.SINCE][0][0], subject)} > time() - {LOOK_BACK_S}"
    counted = [_counted(own, f" and on(pod) ({new})"), *(_counted(other) for other in others)]
    return " or ".join(f"({each})" for each in counted)


def concurrency(subject: Subject) -> str:
    """Mean number of requests in flight in the minute before."""
    knative = f"sum({_revisions(f.CONCURRENCY_60S, subject)})"
    own, vllm = f.pod_families(subject.prefix)[f.IN_FLIGHT]
    replicas = f"sum(avg_over_time({_of(own[0], subject)}[{MINUTE}]))"
    engines = " + ".join(f"sum(avg_over_time({_of(name, subject)}[{MINUTE}]))" for name in vllm)
    return f"{knative} or {replicas} or ({engines})"


def seen_by_knative(subject: Subject) -> str:
    """Minutes in which Knative told of any revision, were it only that it has no pods."""
    return f"max(count_over_time({_revisions(f.PODS, subject)}[{SEEN}]))"


def seen_by_replicas(subject: Subject) -> str:
    """Minutes in which a replica was scraped."""
    families = f.pod_families(subject.prefix)
    names = [family[0] for what in (f.IN_FLIGHT, f.REQUESTS) for family in families[what]]
    return " or ".join(f"max(count_over_time({_of(name, subject)}[{SEEN}]))" for name in names)


def seen_at_all() -> str:
    """Minutes in which Prometheus scraped anything."""
    return f"max(count_over_time(up[{SEEN}]))"


def starts(subject: Subject, seconds: int) -> str:
    """How long the servers' starts took, one by one."""
    name = f.pod_families(subject.prefix)[f.START][0][0]
    return f'max_over_time({name}{{{_labels(subject)},phase="total"}}[{seconds}s])'


def _counted(counter: str, if_new: str = "") -> str:
    now = f"last_over_time({counter}[{MINUTE}])"
    before = f"last_over_time({counter}[{LOOK_BACK_S}s] offset {MINUTE})"
    return f"sum(({now} - {before}) >= 0 or ({now}{if_new}))"


def _of(name: str, subject: Subject) -> str:
    return f"{name}{{{_labels(subject)}}}"


def _labels(subject: Subject) -> str:
    """The replicas of a component, those that are gone included.

    Knative names pods REVISION-deployment-HASH-ID, a Deployment NAME-HASH-ID.
    """
    name = _literal(f"{subject.service}-{subject.component}")
    pod = f"{name}-([0-9]{{5}}-deployment-)?[a-z0-9]+-[a-z0-9]{{5}}"
    return f'namespace="{subject.namespace}",pod=~"{pod}"'


def _revisions(name: str, subject: Subject) -> str:
    revision = _literal(f"{subject.service}-{subject.component}")
    where = f'{f.NAMESPACE_LABEL}="{subject.namespace}"'
    return f'{name}{{{where},{f.REVISION_LABEL}=~"{revision}-[0-9]{{5}}"}}'


def _either(names: Iterable[str]) -> str:
    return "|".join(_literal(name) for name in sorted(names))


def _literal(text: str) -> str:
    # PromQL's strings have Go's escapes: a backslash of the pattern is written twice.
    return re.escape(text).replace("\\", "\\\\")
