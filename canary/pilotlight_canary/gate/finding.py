"""What came of one prompt, asked of both versions."""

from dataclasses import dataclass

from pilotlight_canary.gate.answer import Answer, Failure, Reply
from pilotlight_canary.gate.logprobs import Drift, drift
from pilotlight_canary.gate.prompt import Prompt
from pilotlight_canary.gate.similarity import Judgement
from pilotlight_canary.gate.structured import fault


@dataclass(frozen=True)
class Finding:
    """One prompt's two replies, and how they compare."""

    prompt: Prompt
    stable: Reply
    canary: Reply
    judgement: Judgement | None = None
    """``None``: there is nothing to compare, or it could not be done."""
    control: Judgement | None = None
    """Stable's answer against another one of its own."""
    undone: str = ""
    """Why answers could not be compared."""

    @property
    def answers(self) -> tuple[Answer, Answer] | None:
        """Stable's and the canary's, where both answered."""
        if isinstance(self.stable, Answer) and isinstance(self.canary, Answer):
            return self.stable, self.canary
        return None

    @property
    def canary_failed(self) -> bool:
        """Stable answered, and the canary did not."""
        return isinstance(self.stable, Answer) and isinstance(self.canary, Failure)

    @property
    def drift(self) -> Drift:
        """Between the answers' probabilities; of no tokens where they are not known."""
        if self.answers is None:
            return Drift()
        stable, canary = self.answers
        return drift(stable.positions, canary.positions)

    @property
    def fault(self) -> str | None:
        """What is wrong with the structure of the canary's answer."""
        return fault(self.prompt.body, self.canary) if isinstance(self.canary, Answer) else None

    @property
    def badness(self) -> tuple[float, ...]:
        """By which findings are sorted: the larger, the worse for the canary."""
        answers = self.answers
        return (
            float(self.canary_failed),
            float(self.fault is not None),
            float(answers is not None and answers[1].is_empty and not answers[0].is_empty),
            float(self.judgement is not None and self.judgement.different),
            1 - self.judgement.score if self.judgement else 0.0,
            self.drift.mean or 0.0,
        )
