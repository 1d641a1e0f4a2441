"""Two snapshots, one interval."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.analysis import Analysis, CounterQuery, Metric, TokenBand
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.request_metrics import INFINITY, STRATA
from pilotlight_canary.metrics.interval import carried, interval
from pilotlight_canary.metrics.snapshot import Counter, Instance, Look, Reading, Snapshot
from pilotlight_canary.observation import Counts, Interval, Silence
from tests.unit.canary.metrics.looks import C1, CANARY, S1, STABLE, look, snapshot

GC, GS = Instance(CANARY, "gw"), Instance(STABLE, "gw")
NOTHING = Yardsticks()
EMPTY = look(0, {C1: {}, S1: {}})
AFTER = look(15, {C1: {}, S1: {}})


def of_pods(
    canary: dict[Counter, float], stable: dict[Counter, float], analysis: Analysis
) -> Interval:
    found = interval(
        snapshot(0, EMPTY, look(0, {GC: {}, GS: {}})),
        snapshot(15, look(15, {C1: canary, S1: stable}), look(15, {GC: {}, GS: {}})),
        analysis,
        NOTHING,
    )
    assert isinstance(found, Interval), found
    return found


def only(name: str, **fields: object) -> Analysis:
    return Analysis.model_validate({"metrics": [{"name": name, **fields}]})


def at_the_gateway(counters: dict[Counter, float]) -> Interval:
    found = interval(
        snapshot(0, EMPTY, look(0, {GC: {}, GS: {}})),
        snapshot(15, AFTER, look(15, {GC: counters, GS: {("arrivals",): 50}})),
        only("errors"),
        NOTHING,
    )
    assert isinstance(found, Interval)
    return found


def test_late_and_within_make_a_share() -> None:
    moved: dict[Counter, float] = {("late", "256", "3"): 2, ("within", "256", "3"): 8}
    found = of_pods(moved, {}, only("ttft", limit_seconds=3))
    assert found.counts == {("ttft", ""): Counts(2, 10, 0, 0)}


def test_strata_are_merged_as_the_spec_says() -> None:
    moved: dict[Counter, float] = {("late", stratum, "3"): 1.0 for stratum in STRATA}
    analysis = Analysis(metrics=(Metric(name="ttft"),), prompt_token_buckets=(1024,))
    found = of_pods(moved, {}, analysis).counts
    assert {key[1]: counts.canary_bad for key, counts in found.items()} == {"1024": 2, INFINITY: 3}


def test_arrivals_are_told_by_stratum() -> None:
    analysis = Analysis(metrics=(Metric(name="ttft"),), prompt_token_buckets=(256,))
    found = of_pods({("arrivals", "256"): 3}, {("arrivals", "4096"): 7}, analysis)
    assert found.arrivals == {"256": (3, 0), INFINITY: (0, 7)}


def test_answers_outside_the_band_are_bad() -> None:
    moved: dict[Counter, float] = {
        ("output", "256", "8"): 1.0,
        ("output", "256", "64"): 7.0,
        ("output", "256", INFINITY): 10.0,
    }
    band = TokenBand(min=9, max=64)
    found = of_pods(moved, {}, only("output-length", band=band.model_dump()))
    assert found.counts[("output-length", "")] == Counts(4, 10, 0, 0)


def test_cancelled_and_refused_say_nothing_of_the_model() -> None:
    moved: dict[Counter, float] = {
        ("finished", "256", r): 1.0 for r in ("stop", "length", "error", "cancelled")
    }
    assert of_pods(moved, {}, only("finish-reason")).counts[("finish-reason", "")] == Counts(
        2, 3, 0, 0
    )


def test_a_cut_stream_is_an_error_and_a_client_that_left_is_none() -> None:
    found = at_the_gateway({("arrivals",): 10, ("code", "200"): 9, ("code", "500"): 1, ("cut",): 2})
    assert found.counts[("errors", "")] == Counts(3, 10, 0, 50)
    assert found.canary_error_ratio == 0.3


def test_a_503_of_the_gateway_and_its_cut_are_one_error() -> None:
    found = at_the_gateway({("arrivals",): 10, ("code", "503"): 3, ("cut",): 4})
    assert found.counts[("errors", "")] == Counts(4, 10, 0, 50)


def test_more_failures_than_arrivals_raise_the_arrivals() -> None:
    found = at_the_gateway({("arrivals",): 2, ("cut",): 7})
    assert found.counts[("errors", "")] == Counts(7, 7, 0, 50)


def test_without_a_gateway_the_servers_own_codes_count() -> None:
    after = look(15, {C1: {("code", "200"): 3, ("code", "503"): 1, ("code", "none"): 5}, S1: {}})
    found = interval(snapshot(0, EMPTY), snapshot(15, after), only("errors"), NOTHING)
    assert isinstance(found, Interval)
    assert found.counts[("errors", "")] == Counts(1, 4, 0, 0)
    assert "own account" in found.notes[0]


def test_silent_pods_leave_the_gateway_heard_and_are_not_counted() -> None:
    found = interval(
        snapshot(0, EMPTY, look(0, {GC: {}, GS: {}})),
        snapshot(15, Silence("asleep"), look(15, {GC: {("arrivals",): 1}, GS: {}})),
        Analysis(),
        NOTHING,
    )
    assert isinstance(found, Interval)
    assert set(found.counts) == {("errors", "")}
    assert found.arrivals == {}
    assert "asleep" in found.notes[0]


def test_all_silent_is_silence() -> None:
    found = interval(
        snapshot(0, EMPTY), snapshot(15, Silence("asleep"), Silence("down")), Analysis(), NOTHING
    )
    assert found == Silence("asleep; down")


def test_other_versions_are_not_compared() -> None:
    other = Snapshot(0, STABLE, "m-00009", EMPTY)
    assert isinstance(interval(other, snapshot(15, AFTER), Analysis(), NOTHING), Silence)


def test_a_stall_of_the_canary_is_told() -> None:
    after = Look({C1: Reading(15, {}, stall_s=70), S1: Reading(15, {}, stall_s=500)})
    found = interval(snapshot(0, EMPTY), snapshot(15, after), Analysis(), NOTHING)
    assert isinstance(found, Interval)
    assert found.canary_stall_s == 70


def test_what_was_counted_in_silence_is_not_lost() -> None:
    first = snapshot(0, look(0, {C1: {("arrivals", "256"): 1}, S1: {}}), look(0, {GC: {}, GS: {}}))
    silent = snapshot(15, Silence("asleep"), look(15, {GC: {}, GS: {}}))
    before = carried(first, silent, Analysis())
    assert before.pods == first.pods
    assert before.gateway == silent.gateway
    last = snapshot(
        30, look(30, {C1: {("arrivals", "256"): 9}, S1: {}}), look(30, {GC: {}, GS: {}})
    )
    found = interval(before, last, Analysis(), NOTHING)
    assert isinstance(found, Interval)
    assert found.arrivals[""] == (8, 0)


def test_a_look_without_the_canary_is_not_kept() -> None:
    first = snapshot(0, look(0, {S1: {}}))
    second = snapshot(15, AFTER)
    assert isinstance(interval(first, second, Analysis(), NOTHING), Silence)
    assert carried(first, second, Analysis()) == second


def test_a_look_is_not_kept_for_ever() -> None:
    first = snapshot(0, EMPTY)
    assert carried(first, snapshot(500, Silence("asleep")), Analysis()).pods == Silence("asleep")


def test_ones_own_query_counts_both_versions_or_none() -> None:
    query = CounterQuery(bad="b{revision}", total="t{revision}")
    analysis = Analysis(metrics=(Metric(name="mine", query=query),))

    def queried(at: float, canary: dict[Counter, float]) -> Snapshot:
        stable: dict[Counter, float] = {("mine", "total"): at}
        return Snapshot(at, STABLE, CANARY, EMPTY, None, look(at, {C1: canary, S1: stable}))

    before = queried(0, {("mine", "bad"): 1, ("mine", "total"): 10})
    found = interval(
        before, queried(15, {("mine", "bad"): 3, ("mine", "total"): 20}), analysis, NOTHING
    )
    assert isinstance(found, Interval)
    assert found.counts[("mine", "")] == Counts(2, 10, 0, 15)


COUNTERS = st.dictionaries(
    st.one_of(
        st.tuples(st.sampled_from(["late", "within"]), st.sampled_from(STRATA), st.just("3")),
        st.tuples(st.just("code"), st.sampled_from(["200", "500", "503", "none"])),
        st.sampled_from([("arrivals",), ("cut",)]),
    ),
    st.integers(0, 1000).map(float),
)


@given(COUNTERS, COUNTERS, COUNTERS, COUNTERS)
def test_bad_is_never_more_than_all(
    a: dict[Counter, float],
    b: dict[Counter, float],
    c: dict[Counter, float],
    d: dict[Counter, float],
) -> None:
    found = interval(
        snapshot(0, look(0, {C1: a, S1: b}), look(0, {GC: a, GS: b})),
        snapshot(15, look(15, {C1: c, S1: d}), look(15, {GC: c, GS: d})),
        Analysis(),
        NOTHING,
    )
    assert isinstance(found, Interval)
    for counts in found.counts.values():
        assert 0 <= counts.canary_bad <= counts.canary_total
        assert 0 <= counts.stable_bad <= counts.stable_total
    assert found.canary_error_ratio is None or 0 <= found.canary_error_ratio <= 1
