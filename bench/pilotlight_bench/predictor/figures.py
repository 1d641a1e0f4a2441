"""From measurements to headline figures and tables."""

from collections.abc import Callable, Sequence

from pilotlight_bench.contention import warning
from pilotlight_bench.predictor.benchmark import BOUNDED, OURS, PLAIN, Findings
from pilotlight_bench.predictor.measurement import Measurement, of
from pilotlight_bench.predictor.settings import Plan
from pilotlight_bench.quantiles import Quantiles, median_ratio, percentile, ratio
from pilotlight_bench.report import Table

Figure = Callable[[Measurement], float]

FIGURES: tuple[tuple[str, Figure], ...] = (
    ("out tok/s", lambda m: m.outcome.output_tokens_per_s),
    ("req/s", lambda m: m.outcome.requests_per_s),
    ("TTFT P50 s", lambda m: m.ttft_s.p50),
    ("TTFT P95 s", lambda m: m.ttft_s.p95),
    ("TTFT P99 s", lambda m: m.ttft_s.p99),
    ("ITL P50 ms", lambda m: m.itl_s.p50 * 1e3),
    ("ITL P95 ms", lambda m: m.itl_s.p95 * 1e3),
    ("ITL P99 ms", lambda m: m.itl_s.p99 * 1e3),
)


def headline(findings: Findings, plan: Plan) -> dict[str, float | None]:
    """The figures that README and later benchmarks quote."""
    full = plan.closed[-1].concurrency
    good = findings.goodput
    return {
        f"throughput_ratio_c{full}": _ratio(findings.closed, full, FIGURES[0][1]),
        f"ttft_p50_ratio_c{full}": _ratio(findings.closed, full, FIGURES[2][1]),
        "overload_goodput_ratio": ratio(good[OURS].per_s, good[PLAIN].per_s),
        "overload_goodput_ratio_vs_bounded_vllm": ratio(good[OURS].per_s, good[BOUNDED].per_s),
    }


def closed_loop_table(findings: Findings, plan: Plan) -> Table:
    """Both sides at each concurrency: medians of rounds, and the median ratio of rounds."""
    rows = []
    for loop in plan.closed:
        for peer in (OURS, PLAIN):
            runs = of(findings.closed, peer, loop.concurrency)
            cells = (percentile([figure(m) for m in runs], 50) for _, figure in FIGURES)
            rows.append([f"c={loop.concurrency} {peer}", *map(_cell, cells)])
        ratios = (_ratio(findings.closed, loop.concurrency, figure) for _, figure in FIGURES)
        rows.append([f"c={loop.concurrency} ratio", *(f"{value:.3f}" for value in ratios)])
    return Table(
        title="Closed loop",
        columns=["", *(name for name, _ in FIGURES)],
        rows=rows,
        note=f"median of {plan.rounds} rounds; a ratio is {OURS} over {PLAIN}, median of rounds"
        + warning(m.other_cores for m in findings.closed),
    )


def overload_table(findings: Findings, plan: Plan) -> Table:
    """What became of arrivals that no server can keep up with."""
    rows = []
    for measured in findings.open:
        good = findings.goodput[measured.peer]
        counts = (str(count) for count in (good.good, good.late, good.failed))
        ttft = Quantiles.of(measured.outcome.ttfts_s())
        rows.append([measured.peer, f"{good.per_s:.2f}", *counts, _cell(ttft.p50), _cell(ttft.p95)])
    overload = plan.overload
    return Table(
        title=f"Overload: {findings.arrivals_per_s:.2f} requests/s for {overload.duration_s:g} s",
        columns=["", "goodput/s", "good", "late", "refused", "TTFT P50 s", "TTFT P95 s"],
        rows=rows,
        note=f"good: complete, first token within {overload.ttft_limit_s:g} s"
        + warning(m.other_cores for m in findings.open),
    )


def _ratio(measurements: Sequence[Measurement], concurrency: int, figure: Figure) -> float:
    ours, plain = (
        [figure(m) for m in of(measurements, peer, concurrency)] for peer in (OURS, PLAIN)
    )
    return median_ratio(ours, plain)


def _cell(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
