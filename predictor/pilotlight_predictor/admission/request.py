"""What an accepted request takes, and what its tenant has taken already."""

from dataclasses import dataclass, field

from pilotlight_predictor.admission.heap import Heap
from pilotlight_predictor.admission.work import Work


@dataclass(eq=False, slots=True)
class Tenant:
    """What one tenant has waiting, running and served in one class. Costs in weighted tokens.

    ``counter`` is its virtual token counter; ``coming`` what its running requests are still
    expected to add to it.
    """

    name: str
    counter: float = 0.0
    coming: float = 0.0
    running: int = 0
    queued_tokens: int = 0
    queued_cost: float = 0.0
    requests: "Heap[Request]" = field(default_factory=Heap)


@dataclass(eq=False, slots=True)
class Request:
    """A work with what it is expected to take.

    Args:
        work: The work.
        expected_output: Output tokens of all its choices.
        tokens: What it reserves of the KV cache, prompt and output.
        sequences: What it takes of the sequences that the engine runs at once.
        cost: Weighted tokens of its prompt and expected output.
        expected_wait_s: What was expected when it arrived, before calibration.
        output_tokens: Generated so far.
        prompt_served: Whether the engine has processed the prompt.
        passed_tokens: Tokens of the requests that started while it was its turn but did not fit.
    """

    work: Work
    expected_output: int
    tokens: int
    sequences: int
    cost: float
    expected_wait_s: float = 0.0
    output_tokens: int = 0
    prompt_served: bool = False
    passed_tokens: int = 0

    @property
    def output_to_come(self) -> int:
        """Output tokens still expected."""
        return max(0, self.expected_output - self.output_tokens)
