"""One warm pool on a screen: what it holds, why, and what it costs."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pilotlight.api.meta import Mode
from pilotlight.api.warmpool import Term, WarmPool
from pilotlight.terminal.numbers import ago, percent, span
from pilotlight_autoscaler.policy.fail_safe import safe_floor
from pilotlight_autoscaler.policy.look import REACTION_S, UNMEASURED_START_S
from pilotlight_autoscaler.policy.schedule import next_change, schedule_term
from pilotlight_autoscaler.policy.words import several
from pilotlight_autoscaler.view.listing import TONES, floor_text, replicas_text, requests


def render(pool: WarmPool, now: datetime) -> RenderableType:
    """Where a pool stands."""
    return Group(_head(pool), Text(), _facts(_standing(pool, now)), *_troubles(pool))


def explanation(pool: WarmPool, now: datetime) -> RenderableType:
    """Why it stands there: each term, what bounds them, and what comes next."""
    return Group(
        _head(pool),
        Text(),
        _terms(pool),
        Text(),
        _facts(_bounds(pool, now)),
        Text(),
        _facts(_standing(pool, now)),
        *_troubles(pool),
    )


def _head(pool: WarmPool) -> RenderableType:
    status, metadata = pool.status, pool.metadata
    line = Table.grid(expand=True)
    line.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    line.add_column(justify="right", no_wrap=True)
    where = f"  {metadata.namespace} · InferenceService {pool.spec.target_ref.name}"
    dry = " · dry run: nothing is held" if pool.spec.mode is Mode.DRY_RUN else ""
    tone = TONES.get(status.reason, "green")
    floor = Text.assemble(("floor ", "dim"), (floor_text(pool), f"bold {tone}"))
    floor.append(f"  {status.reason.value}", tone)
    line.add_row(Text.assemble((metadata.name, "bold"), (where + dry, "dim")), floor)
    return Group(line, Rule(style="dim"), Text(status.message or "nobody has looked at it yet"))


def _standing(pool: WarmPool, now: datetime) -> Iterator[tuple[str, str]]:
    status, total = pool.status, requests(pool)
    yield "replicas", f"{replicas_text(pool)} ready" + _asleep(pool)
    waited = percent(status.cold_requests, total)
    yield "today", f"{total} requests, {status.cold_requests} waited for a start ({waited})"
    yield "cost", f"{status.cost_today:.2f} today, of replicas that were warm without work"
    if status.cold_start_seconds is not None:
        yield "start", f"{span(status.cold_start_seconds)} (95th percentile of those measured)"
    else:
        yield "start", f"not measured yet, {span(UNMEASURED_START_S)} are taken"
    if status.decided_at is not None:
        yield "since", f"{ago(status.decided_at, now)}"
    for claim in status.floors:
        until = f", until {claim.expires_at:%H:%M:%S} UTC" if claim.expires_at else ""
        yield "holds", f"{several(claim.replicas, 'replica')} of {claim.revision}{until}"


def _asleep(pool: WarmPool) -> str:
    return "".join(
        f", {one.replicas} to be asleep at level {one.level}" for one in pool.status.asleep
    )


def _terms(pool: WarmPool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("term", no_wrap=True)
    table.add_column("wants", justify="right", no_wrap=True)
    table.add_column("worth per hour", justify="right", no_wrap=True)
    table.add_column("because", ratio=1)
    for term in sorted(pool.status.terms, key=lambda term: -term.replicas):
        table.add_row(term.reason.value, str(term.replicas), _worth(term), term.message)
    return table


def _worth(term: Term) -> str:
    return "" if term.hourly_worth is None else f"{term.hourly_worth:.2f}"


def _bounds(pool: WarmPool, now: datetime) -> Iterator[tuple[str, str]]:
    spec, status = pool.spec, pool.status
    yield "ceiling", several(spec.max_replicas, "replica")
    if spec.budget is not None:
        group = spec.budget.group or f"namespace {pool.metadata.namespace}"
        given = "nothing yet" if status.granted is None else several(status.granted, "replica")
        yield "budget", f"{given} of the {spec.budget.gpus} GPUs of {group}"
    ahead_s = (status.cold_start_seconds or UNMEASURED_START_S) + REACTION_S
    change = next_change(spec.schedules, now, ahead_s)
    if change is not None:
        term = schedule_term(spec.schedules, change + timedelta(seconds=1), ahead_s)
        wanted = term.replicas if term else 0
        yield "schedule", f"{several(wanted, 'replica')} from {change:%Y-%m-%d %H:%M:%S} UTC on"
    if status.lower_to is not None and status.lower_since is not None:
        left = timedelta(seconds=spec.stabilization_window_seconds) - (now - status.lower_since)
        yield "lower", f"to {status.lower_to} in {span(left.total_seconds())}, if nothing comes"
    safe = safe_floor(spec, now)
    ttl = span(spec.fail_safe.ttl_seconds)
    yield "fail-safe", f"{several(safe.replicas, 'replica')} after {ttl} blind ({safe.message})"


def _facts(facts: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in facts:
        table.add_row(name, value)
    return table


def _troubles(pool: WarmPool) -> Iterator[Text]:
    for condition in pool.status.conditions:
        if condition.status != "True" and condition.type != "Warm":
            yield Text(f"{condition.reason}: {condition.message}", "yellow")
