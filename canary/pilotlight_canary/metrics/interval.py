"""Two snapshots, one interval: what both versions did in the same time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Yardsticks
from pilotlight_canary.metrics import counters as c
from pilotlight_canary.metrics.checks import (
    Moved,
    Share,
    arrivals,
    gateway_errors,
    own_errors,
    share,
    shares,
    strata_of,
)
from pilotlight_canary.metrics.difference import Counted, counted, covers
from pilotlight_canary.metrics.snapshot import Look, Snapshot
from pilotlight_canary.observation import Counts, Interval, Silence

STALE_AFTER_S = 90.0
STALE_INTERVALS = 3
PARTS = ("pods", "gateway", "queries")
NONE: Moved = {}


@dataclass(frozen=True)
class _Gathered:
    """What the sources said of this interval, and why some said nothing."""

    parts: Mapping[str, Counted]
    silences: Mapping[str, Silence] = field(default_factory=dict)

    def moved(self, part: str, revision: str) -> Moved:
        found = self.parts.get(part)
        return found.by_revision.get(revision, NONE) if found else NONE


def interval(
    before: Snapshot, after: Snapshot, analysis: Analysis, yardsticks: Yardsticks
) -> Interval | Silence:
    """Compare two snapshots of the same pair of revisions.

    A check whose source is silent is not in ``counts``: its evidence stands still while the
    others' grows. The next ``before`` comes from :func:`carried`.

    Returns:
        The counts of both versions, or why there are none at all.
    """
    if (before.stable, before.canary) != (after.stable, after.canary):
        return Silence("the versions have changed since the last look")
    gathered = _gather(before, after, analysis)
    if not gathered.parts:
        return Silence("; ".join(dict.fromkeys(s.reason for s in gathered.silences.values())))
    counts: dict[tuple[str, str], Counts] = {}
    for metric in analysis.checks:
        if metric.query is not None:
            both = [_own_check(gathered.moved("queries", r), metric.name) for r in _arms(after)]
            known = all(both)
        elif metric.name == "errors":
            both = [_errors(gathered, after, revision) for revision in _arms(after)]
            known = ("pods" if after.gateway is None else "gateway") in gathered.parts
        else:
            both = [
                shares(metric, gathered.moved("pods", r), yardsticks, analysis.prompt_token_buckets)
                for r in _arms(after)
            ]
            known = "pods" in gathered.parts
        if known:
            counts |= _counts(metric.name, *both)
    return Interval(
        seconds=next(iter(gathered.parts.values())).seconds,
        counts=counts,
        arrivals=_arrivals(gathered, after, analysis),
        canary_error_ratio=_ratio(_errors(gathered, after, after.canary)[""]),
        canary_stall_s=_stall_s(after),
        notes=_notes(gathered, after),
    )


def carried(before: Snapshot | None, after: Snapshot, analysis: Analysis) -> Snapshot:
    """What the next look is to be compared with.

    The later snapshot, but for sources that were silent: theirs stays the earlier look, so
    that what they count in the meantime is not lost; but not for ever, and not if it lacks
    one of the versions.
    """
    if before is None or (before.stable, before.canary) != (after.stable, after.canary):
        return after
    silences = _gather(before, after, analysis).silences

    def kept(part: str) -> Look | Silence | None:
        old: Look | Silence | None = getattr(before, part)
        is_kept = part in silences and isinstance(old, Look) and covers(old, _arms(after), after.at)
        new: Look | Silence | None = getattr(after, part)
        return old if is_kept else new

    pods = kept("pods")
    return replace(
        after,
        pods=pods if pods is not None else after.pods,
        gateway=kept("gateway"),
        queries=kept("queries"),
    )


def _gather(before: Snapshot, after: Snapshot, analysis: Analysis) -> _Gathered:
    stale_after_s = max(STALE_AFTER_S, STALE_INTERVALS * analysis.interval.total_seconds())
    parts: dict[str, Counted] = {}
    silences: dict[str, Silence] = {}
    for part in PARTS:
        if getattr(after, part) is None:
            continue
        found = counted(
            getattr(before, part),
            getattr(after, part),
            _arms(after),
            asked_at=after.at,
            stale_after_s=stale_after_s,
        )
        if isinstance(found, Counted):
            parts[part] = found
        else:
            silences[part] = found
    return _Gathered(parts, silences)


def _arms(snapshot: Snapshot) -> tuple[str, str]:
    return snapshot.canary, snapshot.stable


def _errors(gathered: _Gathered, after: Snapshot, revision: str) -> dict[str, Share]:
    if after.gateway is None:
        return {"": own_errors(gathered.moved("pods", revision))}
    return {"": gateway_errors(gathered.moved("gateway", revision))}


def _own_check(moved: Moved, name: str) -> dict[str, Share]:
    total = moved.get((name, c.TOTAL))
    return {} if total is None else {"": share(moved.get((name, c.BAD), 0.0), total)}


def _counts(
    check: str, canary: Mapping[str, Share], stable: Mapping[str, Share]
) -> dict[tuple[str, str], Counts]:
    found = {}
    nothing = Share(0, 0)
    for stratum in strata_of((canary, stable)):
        ours, theirs = canary.get(stratum, nothing), stable.get(stratum, nothing)
        found[(check, stratum)] = Counts(ours.bad, ours.total, theirs.bad, theirs.total)
    return found


def _arrivals(
    gathered: _Gathered, after: Snapshot, analysis: Analysis
) -> dict[str, tuple[int, int]]:
    if "pods" not in gathered.parts:
        return {}
    canary, stable = (
        arrivals(gathered.moved("pods", r), analysis.prompt_token_buckets) for r in _arms(after)
    )
    return {stratum: (count, stable.get(stratum, 0)) for stratum, count in canary.items()}


def _ratio(errors: Share) -> float | None:
    return errors.bad / errors.total if errors.total else None


def _stall_s(after: Snapshot) -> float:
    if not isinstance(after.pods, Look):
        return 0.0
    readings = after.pods.readings.items()
    return max(
        (r.stall_s for instance, r in readings if instance.revision == after.canary), default=0.0
    )


def _notes(gathered: _Gathered, after: Snapshot) -> tuple[str, ...]:
    notes = [f"no figures from the {part}: {s.reason}" for part, s in gathered.silences.items()]
    if after.gateway is None:
        notes.append("errors are the servers' own account: no gateway can be read")
    return tuple(notes)
