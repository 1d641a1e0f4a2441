"""Whether a prompt, and the answer that is asked for, fit into the model's context."""

from dataclasses import dataclass
from typing import Any

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.validation.prompts import Prompt
from pilotlight_transformer.validation.tokens import ModelTokenizer


class ContextTooLong(InvalidRequest):
    """The prompt does not fit into the model's context."""

    code = "context_length_exceeded"


@dataclass(frozen=True, slots=True)
class Context:
    """One request before its tokens are counted.

    Attributes:
        document: Its body, checked.
        prompts: ``None`` for messages.
    """

    route: Route
    document: dict[str, Any]
    prompts: list[Prompt] | None
    tokenizer: ModelTokenizer

    @property
    def field(self) -> str:
        """Where the prompt stands."""
        if self.prompts is None:
            return "messages"
        return "input" if self.route is Route.EMBEDDINGS else "prompt"

    @property
    def characters(self) -> int:
        """Roughly, of the texts whose tokens are counted."""
        if self.prompts is not None:
            return sum(map(len, self.prompts))
        texts = (
            len(str(message.get(name) or ""))
            for message in self.document["messages"]
            for name in ("content", "tool_calls")
        )
        return sum(texts) + len(str(self.document.get("tools") or ""))

    def count(self) -> list[int]:
        """Tokens of each prompt.

        Raises:
            InvalidRequest: The chat template does not take these messages.
        """
        document = self.document
        if self.prompts is None:
            return [self.tokenizer.count_chat(document["messages"], document)]
        special = document.get("add_special_tokens") is not False
        counts = self.tokenizer.count(self.prompts, special=special)
        cut = document.get("truncate_prompt_tokens")
        return [min(count, cut) for count in counts] if isinstance(cut, int) and cut > 0 else counts

    def fit(self, counts: list[int], most: int | None, *, cap: bool) -> tuple[str, int] | None:
        """Hold the counts against the model's length.

        Args:
            most: Tokens that the prompts may have together.
            cap: Ask for less, rather than refuse.

        Returns:
            Name and value of the parameter that must be lowered for it.

        Raises:
            ContextTooLong: It does not fit.
        """
        if most is not None and sum(counts) > most:
            raise ContextTooLong(
                f"the prompt has {sum(counts)} tokens, and may have {most}: shorten it",
                param=self.field,
            )
        name, wanted = self._wanted()
        tokens, room = max(counts), self.tokenizer.max_model_len
        left = room - tokens
        if wanted <= left:
            return None
        if name is None or left < 1:
            raise ContextTooLong(
                f"the prompt has {tokens} tokens, and the model has room for {room} with its "
                "answer: shorten the prompt",
                param=self.field,
            )
        if cap:
            return name, left
        raise ContextTooLong(
            f"the prompt has {tokens} tokens and asks for {wanted} more, and the model has room "
            f"for {room}: shorten the prompt or lower {name}",
            param=name,
        )

    def _wanted(self) -> tuple[str | None, int]:
        """Which parameter asks for how many tokens; one at least, where the model writes."""
        if self.route is Route.EMBEDDINGS:
            return None, 0
        for name in ("max_completion_tokens", "max_tokens"):
            if (wanted := self.document.get(name)) is not None:
                return name, int(wanted)
        return None, 1

    def refuse_control_tokens(self) -> None:
        """Refuse texts, and lists of ids, that hold a control token: a forged role, an end.

        Raises:
            InvalidRequest: One does.
        """
        waiting: list[Any] = [self.document[self.field], self.document.get("tools")]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, str | int):
                if self.tokenizer.controls(inner):
                    raise InvalidRequest(
                        f"`{self.field}` holds a control token of the model: take it out",
                        param=self.field,
                    )
            elif isinstance(inner, list):
                waiting += inner
            elif isinstance(inner, dict):
                waiting += inner.values()
