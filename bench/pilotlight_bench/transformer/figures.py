"""From measurements to headline figures and tables."""

import math
from collections.abc import Sequence

from pilotlight_bench.contention import warning
from pilotlight_bench.quantiles import median_ratio, percentile
from pilotlight_bench.report import Table
from pilotlight_bench.transformer.measurement import Delays, Findings
from pilotlight_bench.transformer.peers import AUTH, EMPTY, ENVOY, LITELLM, STUB
from pilotlight_bench.transformer.settings import Kind

GOALS = {
    "json_vs_envoy": ">= 0.35",
    "sse_vs_envoy": ">= 0.6",
    "auth_json_vs_envoy": ">= 0.25",
    "auth_sse_vs_envoy": ">= 0.5",
    "auth_json_vs_litellm": ">= 50",
    "added_p50_ms": "<= 1.0",
    "mb_at_2000_streams": "<= 300",
}


def headline(findings: Findings) -> dict[str, float | None]:
    """The figures that README and later benchmarks quote; None for what was left out."""
    return {
        "json_vs_envoy": _ratio(findings, EMPTY, ENVOY, Kind.JSON),
        "sse_vs_envoy": _ratio(findings, EMPTY, ENVOY, Kind.SSE),
        "auth_json_vs_envoy": _ratio(findings, AUTH, ENVOY, Kind.JSON),
        "auth_sse_vs_envoy": _ratio(findings, AUTH, ENVOY, Kind.SSE),
        "auth_json_vs_litellm": _ratio(findings, AUTH, LITELLM, Kind.JSON),
        "added_p50_ms": _added(findings.delays, AUTH, 50),
        "mb_at_2000_streams": next(
            (each.open / 1e6 for each in findings.memory if each.peer == AUTH), None
        ),
    }


def tables(findings: Findings) -> list[Table]:
    """What a person reads: full speed, low load, memory."""
    return [_speed(findings), _delay(findings.delays), _memory(findings)]


def _speed(findings: Findings) -> Table:
    rows = []
    for peer in dict.fromkeys(each.peer for each in findings.loads):
        cells = [peer]
        for kind in Kind:
            mine = [each for each in findings.loads if each.peer == peer and each.kind is kind]
            share = _ratio(findings, peer, ENVOY, kind)
            cells += (
                [
                    f"{percentile([each.per_core for each in mine], 50):,.0f}",
                    f"{percentile([each.busy for each in mine], 50):.2f}",
                    "" if share is None else f"{share:.3f}",
                ]
                if mine
                else ["", "", ""]
            )
        rows.append(cells)
    columns = [f"{kind}{what}" for kind in Kind for what in ("/s", " busy", " of Envoy")]
    return Table(
        title="Full speed, on one core",
        columns=["", *columns],
        rows=rows,
        note="requests for a second of the server's processor time, and the share of its core "
        "that it used; medians of rounds" + warning(each.other_cores for each in findings.loads),
    )


def _delay(delays: Sequence[Delays]) -> Table:
    rows = []
    for each in delays:
        cells = [each.peer]
        for sample in (each.first_ms, each.chunk_ms):
            cells += [f"{percentile(sample, level):.2f}" for level in (50, 99)]
        for sample_of in ("first", "chunk"):
            added = [_added(delays, each.peer, level, sample_of) for level in (50, 99)]
            cells += ["" if value is None else f"{value:.2f}" for value in added]
        rows.append(cells)
    columns = [
        f"{added}{what} P{level}"
        for added in ("", "added ")
        for what in ("first ms", "chunk ms")
        for level in (50, 99)
    ]
    return Table(
        title="Low load: to the first event, and each event's way",
        columns=["", *columns],
        rows=rows,
        note="added: beyond the same streams without a server in between"
        + warning(each.other_cores for each in delays),
    )


def _memory(findings: Findings) -> Table:
    return Table(
        title="Resident memory",
        columns=["", "idle MB", "streams", "MB with them open"],
        rows=[
            [each.peer, f"{each.idle / 1e6:.0f}", str(each.streams), f"{each.open / 1e6:.0f}"]
            for each in findings.memory
        ],
    )


def _ratio(findings: Findings, ours: str, theirs: str, kind: Kind) -> float | None:
    """The median of rounds; ``None`` if one of them was left out."""
    mine, other = findings.per_core(ours, kind), findings.per_core(theirs, kind)
    if not mine or not other:
        return None
    found = median_ratio(mine, other)
    return found if math.isfinite(found) else None


def _added(delays: Sequence[Delays], peer: str, level: int, sample: str = "first") -> float | None:
    """Milliseconds beyond what the stub alone takes."""
    found = {
        each.peer: percentile(each.first_ms if sample == "first" else each.chunk_ms, level)
        for each in delays
    }
    return found[peer] - found[STUB] if peer in found and STUB in found and peer != STUB else None
