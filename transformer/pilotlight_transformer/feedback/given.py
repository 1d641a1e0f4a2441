"""What a client may say about an answer."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from pilotlight.errors import InvalidRequest

MAX_ID = 256
MAX_REASON = 200


class Feedback(BaseModel):
    """The body of ``POST /v1/feedback``.

    Attributes:
        response_id: The answer's ``id``, or its header ``x-request-id`` where it has none.
        score: From -1 (bad) to 1 (good).
        flag: Whether a person shall look at it; a text is the reason.
        correction: What should have been answered.
        comment: Anything else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    response_id: Annotated[str, Field(min_length=1, max_length=MAX_ID, strict=True)]
    score: Annotated[float, Field(ge=-1, le=1, strict=True, allow_inf_nan=False)] | None = None
    flag: StrictBool | Annotated[str, Field(strict=True, max_length=MAX_REASON)] | None = None
    correction: Annotated[str, Field(strict=True, min_length=1)] | None = None
    comment: Annotated[str, Field(strict=True, min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(part is None for part in (self.score, self.flag, self.correction, self.comment)):
            raise ValueError("give a score, a flag, a correction or a comment")
        return self

    @property
    def flagged(self) -> bool:
        """Whether a person shall look at the answer."""
        return self.flag is not None and self.flag is not False

    @property
    def for_labelling(self) -> bool:
        """Whether it belongs into the labelling queue."""
        return self.flagged or self.correction is not None

    def document(self, now: float) -> dict[str, Any]:
        """As it is kept."""
        said = self.model_dump(exclude={"response_id"}, exclude_none=True)
        return {"at": now, **said}


def read_feedback(document: object, max_text_bytes: int) -> Feedback:
    """Check a request's body.

    Raises:
        InvalidRequest: It is not what :class:`Feedback` says; the message names the field only.
    """
    try:
        feedback = Feedback.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else None
        message = first["msg"].removeprefix("Value error, ")
        known = field if field in Feedback.model_fields else None
        where = known or ("an unknown field" if field else "feedback")
        raise InvalidRequest(f"{where}: {message}", param=known) from None
    size = sum(len((text or "").encode()) for text in (feedback.correction, feedback.comment))
    if size > max_text_bytes:
        raise InvalidRequest(
            f"correction and comment are over {max_text_bytes} bytes: shorten them",
            param="correction",
        )
    return feedback
