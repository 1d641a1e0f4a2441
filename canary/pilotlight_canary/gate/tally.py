"""The findings of all prompts, counted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pilotlight_canary.gate.answer import Answer
from pilotlight_canary.gate.finding import Finding
from pilotlight_canary.gate.logprobs import Drift, together
from pilotlight_canary.gate.refusals import refuses
from pilotlight_canary.gate.structured import fault, is_asked_for


@dataclass(frozen=True)
class Both:
    """The same number of stable and of the canary."""

    stable: int = 0
    canary: int = 0

    def increase(self, among: int) -> float:
        """How much larger the canary's share is; 0 among none."""
        return (self.canary - self.stable) / among if among else 0.0


@dataclass(frozen=True)
class Tally:
    """Counts over prompts; from ``compared`` on, of those that both answered."""

    prompts: int
    """That there are."""
    asked: int = 0
    """In time."""
    stable_answered: int = 0
    canary_failed: int = 0
    """Of those that stable answered."""
    failures: tuple[str, ...] = ()
    """Kinds of the canary's failures, each once."""
    compared: int = 0
    """Both answered."""
    judged: int = 0
    """Of these, where it could be told whether they differ."""
    different: int = 0
    controlled: int = 0
    """Judged against another answer of stable's."""
    control_different: int = 0
    drift: Drift = field(default_factory=Drift)
    tokens: Both = Both()
    """Of the answers, together."""
    refusals: Both = Both()
    empties: Both = Both()
    structured: int = 0
    """Were to be JSON, or could be a tool call."""
    invalid: Both = Both()

    @property
    def different_share(self) -> float:
        return self.different / self.judged if self.judged else 0.0

    @property
    def control_share(self) -> float:
        """What stable differs from itself."""
        return self.control_different / self.controlled if self.controlled else 0.0

    @property
    def failed_share(self) -> float:
        return self.canary_failed / self.stable_answered if self.stable_answered else 0.0

    @property
    def length_change(self) -> float:
        """Relative change of the mean output length, -1 or more; without any tokens 0."""
        if self.tokens.stable:
            return self.tokens.canary / self.tokens.stable - 1
        return float("inf") if self.tokens.canary else 0.0


def tally(findings: Sequence[Finding], prompts: int, refusal_phrases: Sequence[str] = ()) -> Tally:
    """Count them.

    Args:
        findings: Of the prompts that were asked in time.
        prompts: How many there are.
        refusal_phrases: See ``refuses``.
    """
    pairs = [(f.prompt.body, *f.answers) for f in findings if f.answers is not None]
    answers = [(stable, canary) for _, stable, canary in pairs]
    shaped = [pair for pair in pairs if is_asked_for(pair[0])]
    failed = [f.canary for f in findings if f.canary_failed]
    judged = [f for f in findings if f.judgement is not None]
    controlled = [f.control for f in judged if f.control is not None]
    return Tally(
        prompts=prompts,
        asked=len(findings),
        stable_answered=sum(isinstance(f.stable, Answer) for f in findings),
        canary_failed=len(failed),
        failures=tuple(sorted({f.kind for f in failed if not isinstance(f, Answer)})),
        compared=len(pairs),
        judged=len(judged),
        different=sum(f.judgement is not None and f.judgement.different for f in judged),
        controlled=len(controlled),
        control_different=sum(each.different for each in controlled),
        drift=together(f.drift for f in findings),
        tokens=_both(answers, lambda answer: answer.output_tokens),
        refusals=_both(answers, lambda answer: refuses(answer, refusal_phrases)),
        empties=_both(answers, lambda answer: answer.is_empty),
        structured=len(shaped),
        invalid=Both(
            sum(fault(body, stable) is not None for body, stable, _ in shaped),
            sum(fault(body, canary) is not None for body, _, canary in shaped),
        ),
    )


def _both(answers: Iterable[tuple[Answer, Answer]], count: Callable[[Answer], int]) -> Both:
    pairs = [(count(stable), count(canary)) for stable, canary in answers]
    return Both(sum(stable for stable, _ in pairs), sum(canary for _, canary in pairs))
