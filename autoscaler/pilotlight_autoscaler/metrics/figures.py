"""What one look at one service finds: frozen, not yet compared with another look."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pilotlight.metrics.exposition import Sample as Exposed
from pilotlight_autoscaler.metrics import families as f
from pilotlight_autoscaler.metrics.subject import Pod, Subject
from pilotlight_autoscaler.observation import Sample, Signals

AVERAGED = frozenset({f.KV_CACHE, f.GPU})
"""Shares of several engines or GPUs in one pod; all else is added up."""
TOTAL = "total"


@dataclass(frozen=True)
class PodFigures:
    """What one replica tells.

    Args:
        at: When it was so, in seconds since the epoch.
        values: By what is said (:mod:`.families`).
    """

    at: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RevisionFigures:
    """What Knative tells of a revision; ``None``: nothing.

    Args:
        at: When it was so.
        waiting: Requests at the activator: all that wait while there is no replica.
        busy: Requests in flight over the last 6 s.
    """

    at: float
    waiting: float | None = None
    busy: float | None = None


@dataclass(frozen=True)
class Figures:
    """One look at one service.

    Args:
        at: When it was taken, in seconds since the epoch.
        requests: By replica, those that have come since it began to count.
        since: By replica, when it began to, where that is known.
        ready: Replicas that get requests.
        held: Whether a floor keeps some warm.
        waiting: Requests at the activator; ``None``: nobody tells.
        signals: The load now.
        starts: By replica, seconds from its creation to ready, as far as measured.
        silence: Why something is missing; empty if nothing is.
    """

    at: float
    requests: Mapping[str, float] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    ready: int = 0
    held: bool = False
    waiting: float | None = None
    signals: Signals = field(default_factory=Signals)
    starts: Mapping[str, float] = field(default_factory=dict)
    silence: str = ""


def pod_figures(samples: Iterable[Exposed], prefix: str, at: float) -> PodFigures:
    """A replica's samples by what they say; families that are not read are left out."""
    by_name: dict[str, list[float]] = {}
    for sample in samples:
        if sample.labels.get("phase", TOTAL) == TOTAL:
            by_name.setdefault(sample.name, []).append(sample.value)
    values = {}
    for what, choices in f.pod_families(prefix).items():
        chosen = next((c for c in choices if any(name in by_name for name in c)), None)
        if chosen is not None:
            found = [value for name in chosen for value in by_name.get(name, ())]
            values[what] = sum(found) / len(found) if what in AVERAGED else sum(found)
    return PodFigures(at, values)


def figures(
    subject: Subject,
    pods: Mapping[str, PodFigures],
    revisions: Mapping[str, RevisionFigures],
    at: float,
    silence: str = "",
) -> Figures:
    """Put together what replicas and Knative tell of a service.

    Args:
        subject: The service, with its replicas.
        pods: By name, those that tell.
        revisions: By name, those that Knative tells of.
        at: When they were asked.
        silence: Why not all of them were.
    """
    own = {pod.name: pods[pod.name] for pod in subject.pods if pod.name in pods}
    known = [revisions[name] for name in subject.revisions if name in revisions]
    waiting = [each.waiting for each in known if each.waiting is not None]
    mute = [pod.name for pod in subject.ready if f.IN_FLIGHT not in _values(own, pod.name)]
    if mute and not silence:
        silence = f"{len(mute)} of {len(subject.ready)} replicas tell nothing, as {mute[0]}"
    signals = Signals(
        concurrency=_concurrency(subject, own, known, at),
        queue_depth=_mean(subject, own, f.QUEUE, at),
        kv_cache=_mean(subject, own, f.KV_CACHE, at),
        gpu=_mean(subject, own, f.GPU, at),
    )
    return Figures(
        at=at,
        requests=_by_pod(own, f.REQUESTS),
        since=_by_pod(own, f.SINCE),
        ready=len(subject.ready),
        held=subject.held,
        waiting=sum(waiting) if waiting else None,
        signals=signals,
        starts=_starts(subject.pods, own),
        silence=silence,
    )


def _concurrency(
    subject: Subject,
    pods: Mapping[str, PodFigures],
    revisions: list[RevisionFigures],
    at: float,
) -> Sample | None:
    """Requests in flight: by the replicas, or by Knative where they do not tell.

    The activator's requests are the replicas' too while it is in the path, so of both the larger
    number counts. Without any replica all of them are there, if there is an activator.
    """
    telling = [pods[pod.name] for pod in subject.ready if f.IN_FLIGHT in _values(pods, pod.name)]
    waiting = sum(each.waiting or 0.0 for each in revisions)
    oldest = min((each.at for each in revisions), default=at)
    if not subject.ready:
        return Sample(waiting, max(0.0, at - oldest))
    busy = [each for each in revisions if each.busy is not None]
    if len(telling) < len(subject.ready) and busy:
        total = sum(each.busy or 0.0 for each in busy)
        return Sample(max(total, waiting), max(0.0, at - min(each.at for each in busy)))
    if not telling:
        return None
    # A replica that does not tell is taken to be as busy as the others.
    in_flight = sum(each.values[f.IN_FLIGHT] for each in telling)
    in_flight *= len(subject.ready) / len(telling)
    age_s = max(0.0, at - min(each.at for each in telling))
    return Sample(max(in_flight, waiting), age_s)


def _mean(subject: Subject, pods: Mapping[str, PodFigures], what: str, at: float) -> Sample | None:
    telling = [pods[pod.name] for pod in subject.ready if what in _values(pods, pod.name)]
    if not telling:
        return None
    mean = sum(each.values[what] for each in telling) / len(telling)
    return Sample(mean, max(0.0, at - min(each.at for each in telling)))


def _starts(pods: Iterable[Pod], told: Mapping[str, PodFigures]) -> dict[str, float]:
    """From creation to ready: the server's own account after its wait, or the pod's conditions."""
    found = {}
    for pod in pods:
        total = _values(told, pod.name).get(f.START)
        if total is not None and pod.waited_s is not None:
            found[pod.name] = pod.waited_s + total
        elif (start := total if total is not None else pod.started_s) is not None:
            found[pod.name] = start
    return found


def _by_pod(pods: Mapping[str, PodFigures], what: str) -> dict[str, float]:
    return {name: each.values[what] for name, each in pods.items() if what in each.values}


def _values(pods: Mapping[str, PodFigures], name: str) -> Mapping[str, float]:
    return pods[name].values if name in pods else {}
