"""The studies behind the figures of ``docs/canary.md``, by name."""

from dataclasses import asdict, dataclass, replace
from time import monotonic

from pilotlight.errors import UsageError
from pilotlight_canary.simulation.course import Ends, failed_intervals, fixed_horizon, ours
from pilotlight_canary.simulation.figures import Row, figures
from pilotlight_canary.simulation.scenario import Drift, Pace, Scenario, Stratum, Trial
from pilotlight_canary.statistics.plan import Check

OURS, PEEKED, FLAGGER, FLAGGER_FIXED = "ours", "peeked", "flagger", "flagger-99"
_FLAGGER_EXAMPLE = 0.01
_STEPS = (5, 10, 25, 50)


def errors(stable: float, canary: float, later: tuple[float, float] | None = None) -> Trial:
    """The check of errors as it is by default."""
    return Trial(Check("errors", 1.5, 0.005), stable, canary, later)


def slow(stable: float, canary: float, name: str = "ttft") -> Trial:
    """A check of a latency as it is by default."""
    return Trial(Check(name, 1.2, 0.005), stable, canary)


@dataclass(frozen=True)
class Study:
    """A scenario, who judges it, and what is counted.

    Args:
        name: Of its rows.
        about: In a few words.
        scenario: What is simulated.
        methods: Who judges.
        to_the_end: Alarms count over the whole length, even after a promotion.
        share: So many times the runs asked for.
    """

    name: str
    about: str
    scenario: Scenario
    methods: tuple[str, ...] = (OURS,)
    to_the_end: bool = False
    share: float = 1.0


# Long prompts have their first token late, whoever answers them.
_PROMPTS = (
    Stratum(0.35, 0.18, 0.3), Stratum(0.35, 0.27, 0.6), Stratum(0.20, 0.30, 1.5),
    Stratum(0.08, 0.17, 4.0), Stratum(0.02, 0.08, 8.0),
)  # fmt: skip
_EVEN = tuple(replace(stratum, canary=stratum.stable) for stratum in _PROMPTS)
_ONE_WORSE = tuple(
    Stratum(s.stable, s.stable, 1.0, 4.0 if s.factor == 4.0 else 1.0) for s in _PROMPTS
)
_ALL = (OURS, PEEKED, FLAGGER, FLAGGER_FIXED)
_NULL = Scenario((errors(0.01, 0.015),))
_THREE = (errors(0.01, 0.015), slow(0.05, 0.06), slow(0.05, 0.06, "inter-token-latency"))
_GOOD = Scenario((errors(0.01, 0.01),))
_THREE_GOOD = (errors(0.01, 0.01), slow(0.05, 0.05), slow(0.05, 0.05, "inter-token-latency"))

STUDIES = (
    Study("null-errors", "errors 1 % and 1.5 %, 10 % share", _NULL, _ALL, True, 2.0),
    Study("null-ttft", "TTFT 5 % and 6 %, 10 % share", Scenario((slow(0.05, 0.06),)),
          (OURS, PEEKED, FLAGGER), True, 2.0),
    Study("null-checks", "three checks at their boundary, five strata",
          Scenario(_THREE, strata=_EVEN), to_the_end=True),
    Study("null-climb", "errors climb sixfold, weights 5 to 50 %",
          replace(_NULL, weights=_STEPS, drift=Drift.CLIMB), _ALL, True, 2.0),
    Study("null-wave", "errors swing ninefold, weights 5 to 50 %",
          replace(_NULL, weights=_STEPS, drift=Drift.WAVE), (OURS, PEEKED), True, 2.0),
    Study("null-requests", "a look after each of the canary's requests",
          replace(_NULL, per_look=0, looks=10_000), (OURS, PEEKED), True, 2.0),
    Study("null-tolerance", "errors 0.2 % and the tolerance, 0.5 %",
          Scenario((errors(0.002, 0.005),)), to_the_end=True),
    Study("turn-null", "first the tolerance, then rho is the boundary",
          Scenario((errors(0.002, 0.005, (0.02, 0.03)),)), to_the_end=True),
    Study("null-prompts", "canary's prompts twice as long, TTFT at the boundary",
          Scenario((slow(0.025, 0.03),), strata=_PROMPTS), to_the_end=True),
    Study("bursts-null", "bursts of 20 per pod, dispersion from an hour before",
          replace(_NULL, burst=20, history=240), to_the_end=True),
    Study("bursts-good", "bursts of 20, equal versions, dispersion known",
          replace(_GOOD, burst=20, history=240), _ALL, True),
    Study("bursts-blind", "bursts of 20, equal versions, taken for independent",
          replace(_GOOD, burst=20), to_the_end=True),
    Study("bursts-5-null", "bursts of 5, dispersion from an hour before",
          replace(_NULL, burst=5, history=240), to_the_end=True),
    Study("bursts-5-errors", "bursts of 5, errors 1 % and 3 %",
          Scenario((errors(0.01, 0.03),), burst=5, history=240), share=0.5),
    Study("good-climb", "equal versions, errors climb sixfold, weights 5 to 50 %",
          replace(_GOOD, weights=_STEPS, drift=Drift.CLIMB), _ALL, True),
    Study("good-prompts", "equal versions, canary's prompts twice as long",
          Scenario((slow(0.025, 0.025),), strata=_PROMPTS), to_the_end=True),
    Study("good-prompts-pooled", "the same without strata",
          Scenario((slow(0.025, 0.025),), strata=_PROMPTS, stratified=False), to_the_end=True),
    Study("detect-errors", "errors 1 % and 3 %, 10 % share, alpha 0.2 %",
          Scenario((errors(0.01, 0.03),), false_rollback=0.002), _ALL),
    Study("detect-ttft", "TTFT 5 % and 8 %, 10 % share, alpha 0.2 %",
          Scenario((slow(0.05, 0.08),), false_rollback=0.002), (OURS, PEEKED, FLAGGER)),
    Study("detect-errors-history", "the same, dispersion from an hour before",
          Scenario((errors(0.01, 0.03),), false_rollback=0.002, history=240)),
    Study("detect-stratum", "errors 1 % and 4 % in one stratum with 8 % of the requests",
          Scenario((errors(0.01, 0.01),), strata=_ONE_WORSE, looks=1334), share=0.5),
    Study("promote-errors", "errors 1 % and 1 %, 10 % share", replace(_GOOD, looks=2000), _ALL),
    Study("promote-none", "no errors at all", Scenario((errors(0.0, 0.0),), looks=2000)),
    Study("promote-checks", "three checks, five strata, steps by evidence",
          Scenario(_THREE_GOOD, weights=_STEPS, pace=Pace.EVIDENCE, looks=2000, strata=_EVEN),
          share=0.2),
    Study("missed-errors", "errors 1 % and 1.5 %: promoted wrongly", replace(_NULL, looks=2000)),
    Study("missed-climb", "the same, errors climb sixfold, weights 5 to 50 %",
          replace(_NULL, weights=_STEPS, drift=Drift.CLIMB)),
)  # fmt: skip


def run(name: str, runs: int, seed: int) -> list[Row]:
    """Carry a study out.

    Args:
        name: One of ``STUDIES``.
        runs: Rollouts; some studies make more of them, some fewer.
        seed: The same seed gives the same figures.

    Raises:
        UsageError: There is no such study.
    """
    study = next((study for study in STUDIES if study.name == name), None)
    if study is None:
        names = ", ".join(study.name for study in STUDIES)
        raise UsageError(f"there is no study {name!r}: there are {names}")
    return [
        _row(study, method, max(1, round(runs * study.share)), seed) for method in study.methods
    ]


def _row(study: Study, method: str, runs: int, seed: int) -> Row:
    begun = monotonic()
    # Flagger's ends by itself: with a promotion after its largest weight.
    to_the_end = study.to_the_end and method not in (FLAGGER, FLAGGER_FIXED)
    found = figures(_ends(study, method, runs, seed), to_the_end=to_the_end)
    took = round(monotonic() - begun, 2)
    names = {"study": study.name, "method": method, "about": study.about, "runs": runs}
    return {**names, **asdict(found), "seconds": took}


def _ends(study: Study, method: str, runs: int, seed: int) -> Ends:
    scenario, trial = study.scenario, study.scenario.trials[0]
    if method == PEEKED:
        return fixed_horizon(scenario, runs, seed)
    if method == FLAGGER:
        # Its limit is a number; here one that knows what stable's share is.
        return failed_intervals(scenario, runs, seed, trial.check.rho * trial.stable)
    if method == FLAGGER_FIXED:
        return failed_intervals(scenario, runs, seed, _FLAGGER_EXAMPLE)
    return ours(scenario, runs, seed, to_the_end=study.to_the_end)
