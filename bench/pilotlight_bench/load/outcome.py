"""What came back."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """One request as its client saw it.

    Args:
        at_s: When it was sent, in seconds from the start of the load.
        ok: It ran to its end.
        error: Why it did not; empty when it did.
        ttft_s: Seconds from sending to the first token; 0 when none came.
        itl_s: Seconds between one chunk and the next.
        latency_s: Seconds from sending to the last token.
        prompt_tokens: As the server counted them.
        output_tokens: As the server counted them.
    """

    model_config = ConfigDict(frozen=True)

    at_s: float
    ok: bool
    error: str = ""
    ttft_s: float = 0.0
    itl_s: tuple[float, ...] = ()
    latency_s: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0


class Outcome(BaseModel):
    """One load's answers.

    Args:
        answers: In order of arrival.
        duration_s: From the start to the last answer.
        generator_cpu_s: Processor time that the load generator itself took.
    """

    model_config = ConfigDict(frozen=True)

    answers: tuple[Answer, ...]
    duration_s: float
    generator_cpu_s: float

    @property
    def completed(self) -> list[Answer]:
        """The answers that ran to their end."""
        return [answer for answer in self.answers if answer.ok]

    @property
    def requests_per_s(self) -> float:
        """Completed requests per second."""
        return len(self.completed) / self.duration_s

    @property
    def output_tokens_per_s(self) -> float:
        """Tokens of completed requests per second."""
        return sum(answer.output_tokens for answer in self.completed) / self.duration_s

    def ttfts_s(self) -> Sequence[float]:
        """Times to first token of completed requests, in seconds."""
        return [answer.ttft_s for answer in self.completed]

    def itls_s(self) -> Sequence[float]:
        """Inter-token times of completed requests, in seconds."""
        return [itl for answer in self.completed for itl in answer.itl_s]
