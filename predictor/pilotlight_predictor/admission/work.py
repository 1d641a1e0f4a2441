"""One request as the admission policy sees it."""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """The two classes; interactive work goes first."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Work:
    """A request's size, owner and patience.

    Args:
        id: Unique among the works that wait or run.
        tenant: Who shares the engine with whom.
        priority: Its class.
        prompt_tokens: Tokens of the prompt.
        max_output_tokens: Most tokens that one choice may generate.
        sequences: Choices that are generated from the prompt (OpenAI's ``n``).
        arrived_s: Monotonic seconds.
        deadline_s: Monotonic seconds after which nobody waits for the answer, if known.

    Raises:
        ValueError: A size is negative, or ``sequences`` is below 1.
    """

    id: int
    tenant: str
    priority: Priority
    prompt_tokens: int
    max_output_tokens: int
    sequences: int
    arrived_s: float
    deadline_s: float | None = None

    def __post_init__(self) -> None:
        if self.prompt_tokens < 0 or self.max_output_tokens < 0 or self.sequences < 1:
            raise ValueError(f"a work cannot have a negative size or no sequence: {self}")
