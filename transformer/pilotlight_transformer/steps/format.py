"""The step ``format``: answers end where they should, and look as they should."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from prometheus_client import Counter
from prometheus_client.registry import Collector

from pilotlight.errors import BadGateway, InvalidRequest, NotSupported
from pilotlight_transformer.formatting.conformity import Checker, NoJson
from pilotlight_transformer.formatting.envelope import Envelope
from pilotlight_transformer.formatting.schema import Schema
from pilotlight_transformer.formatting.settings import FormatSettings
from pilotlight_transformer.formatting.wanted import choices_wanted
from pilotlight_transformer.formatting.writer import Writer
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, NestedTooDeeply, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import GENERATES, Route
from pilotlight_transformer.pipeline.step import Step, StepSettings, Surroundings

FORMATTED = frozenset({Route.CHAT, Route.COMPLETIONS})
ACTIONS = ("repetition", "length", "repaired", "refused", "enclosed")
_THOUGHTS = ("reasoning_content", "reasoning")
_OF_THE_TEXT = ("logprobs", "token_ids")
"""Fields of a choice that speak of a text which is not the one that goes out."""
_HEAD = ("id", "object", "model")
_ON_THE_WIRE = {"repetition": "stop", "length": "length"}

Fields = dict[str, Any]


@dataclass(slots=True)
class _State:
    """What becomes of one call's answer."""

    schema: Schema | None
    choices: int | None
    writers: dict[int, Writer] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    closed: bool = False


class FormatStep(Step):
    """Ends loops, cuts what is too long, checks and repairs JSON, and encloses the text."""

    name = "format"
    Settings: ClassVar[type[StepSettings]] = FormatSettings

    settings: FormatSettings

    def __init__(self, settings: FormatSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._slot: Slot[_State] = Slot()
        answers, envelope = settings.json_answers, settings.envelope
        self._checker = None if answers is None else Checker(answers.timeout_s)
        own = None if answers is None else answers.answer_schema
        self._schema = None if own is None else Schema(own)
        self._envelope = None
        if envelope is not None:
            self._envelope = Envelope(envelope.template, escape=envelope.escape == "json")
        self._actions = Counter(
            "pilotlight_transformer_format_actions",
            "What was done to answers.",
            ["action"],
            registry=None,
        )
        for action in ACTIONS:
            self._actions.labels(action)

    def collectors(self) -> Iterable[Collector]:
        return (self._actions,)

    async def stop(self) -> None:
        if self._checker is not None:
            self._checker.close()

    async def request(self, call: Call) -> Answer | None:
        if call.route not in FORMATTED:
            if call.route in GENERATES and self.settings.other_routes == "refuse":
                raise NotSupported(
                    f"answers of the route {call.route} are not formatted here, so it is off: use "
                    "/v1/chat/completions"
                )
            return None
        try:
            document = call.document
        except NestedTooDeeply:
            raise
        except InvalidRequest:
            # The predictor refuses it, in its own words.
            return None
        answers = self.settings.json_answers
        schema = self._schema
        if schema is None and self._checker is not None and answers is not None:
            schema = await self._checker.schema(call) if answers.from_request else None
        self._slot.put(call, _State(schema, choices_wanted(document)))
        return None

    async def response(self, call: Call, answer: Answer) -> None:
        state = self._slot.get(call)
        document = None if state is None else answer.document()
        choices = None if document is None else document.get("choices")
        if state is None or document is None or not isinstance(choices, list):
            return
        self._remember(state, document)
        changed = False
        for place, choice in enumerate(choices):
            if isinstance(choice, dict):
                writer = self._writer(state, place, holds=True)
                part = choice if call.route is Route.COMPLETIONS else choice.get("message")
                if isinstance(part, dict):
                    changed |= await self._format(call, state, writer, choice, part, whole=True)
        if changed:
            answer.rewrite(document)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        state = self._slot.get(call)
        document = None if state is None else event.document
        choices = None if document is None else document.get("choices")
        if state is None or document is None or not isinstance(choices, list) or not choices:
            return (event,)
        self._remember(state, document)
        kept: list[object] = []
        changed = False
        for choice in choices:
            if not isinstance(choice, dict) or not isinstance(choice.get("index", 0), int):
                kept.append(choice)
                continue
            writer = self._writer(state, choice.get("index", 0), holds=self._holds)
            if writer.ended:
                changed = True
                continue
            copy = dict(choice)
            part = copy
            if call.route is Route.CHAT:
                delta = copy.get("delta")
                part = copy["delta"] = dict(delta) if isinstance(delta, dict) else {}
            changed |= await self._format(call, state, writer, copy, part, whole=False)
            kept.append(copy)
        self._stop_when_all_ended(call, state)
        if not changed:
            return (event,)
        if not kept and document.get("usage") is None:
            return ()
        return (Event.of({**document, "choices": kept}),)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        state = self._slot.get(call)
        if state is None or state.closed:
            return ()
        state.closed = True
        if call.enough or call.facts.finish_reason == "error":
            # It did not come to its end: what is held is a part of something.
            return ()
        out: list[object] = []
        for index, writer in state.writers.items():
            if not writer.ended:
                rest = await self._close(call, state, writer, "stop")
                if rest and call.route is Route.CHAT:
                    out.append({"index": index, "delta": {"content": rest}})
                elif rest:
                    out.append({"index": index, "text": rest})
        head = {name: state.values[name] for name in _HEAD if name in state.values}
        return (Event.of({**head, "choices": out}),) if out else ()

    @property
    def _holds(self) -> bool:
        answers = self.settings.json_answers
        return answers is not None and answers.stream == "hold"

    async def _format(
        self,
        call: Call,
        state: _State,
        writer: Writer,
        choice: Fields,
        part: Fields,
        *,
        whole: bool,
    ) -> bool:
        """Change one choice, whose text is in ``part``; returns whether anything was changed."""
        if part.get("tool_calls") or part.get("function_call"):
            writer.tools = True
        name = "text" if call.route is Route.COMPLETIONS else "content"
        changed = False
        for thought in _THOUGHTS:
            if isinstance(said := part.get(thought), str):
                part[thought] = writer.think(thought, said)
                changed |= part[thought] != said
        text = _text(part.get(name))
        try:
            out = "" if text is None else writer.write(text, state.values)
        except NoJson as error:
            raise self._refusal(call, error) from None
        reason = choice.get("finish_reason")
        if writer.cut is not None:
            reason = choice["finish_reason"] = _ON_THE_WIRE[writer.cut]
            self._note(call, writer.cut)
            call.facts.finish_reason = writer.cut
        if whole or reason is not None:
            why = state.values["finish_reason"] = reason if isinstance(reason, str) else ""
            out += await self._close(call, state, writer, why)
        if (text or "") != out:
            _put(part, name, out)
            changed = True
        if changed or writer.cut is not None:
            for field_name in _OF_THE_TEXT:
                if choice.get(field_name) is not None:
                    choice[field_name] = None
        return changed or writer.cut is not None

    async def _close(self, call: Call, state: _State, writer: Writer, reason: str) -> str:
        try:
            rest = await writer.close(reason, state.values)
        except NoJson as error:
            raise self._refusal(call, error) from None
        if writer.repaired:
            self._note(call, "repaired")
        if writer.enclosed:
            self._note(call, "enclosed")
        return rest

    def _refusal(self, call: Call, error: NoJson) -> BadGateway:
        self._note(call, "refused")
        return BadGateway(
            f"the model's answer is not the JSON that it should be ({error}): ask again, or for a "
            "simpler form"
        )

    def _note(self, call: Call, action: str) -> None:
        self._actions.labels(action).inc()
        call.decide(self.name, action)

    def _writer(self, state: _State, index: int, *, holds: bool) -> Writer:
        writer = state.writers.get(index)
        if writer is None:
            writer = state.writers[index] = Writer(
                self.settings, state.schema, self._checker, self._envelope, holds=holds
            )
        return writer

    def _remember(self, state: _State, document: Mapping[str, Any]) -> None:
        for name in _HEAD:
            if name not in state.values and isinstance(value := document.get(name), str):
                state.values[name] = value

    def _stop_when_all_ended(self, call: Call, state: _State) -> None:
        """Nothing of the rest would go out: let the model stop."""
        writers = state.writers.values()
        ended = sum(writer.ended for writer in writers)
        if ended == state.choices and any(writer.cut is not None for writer in writers):
            call.enough = True


def _text(content: object) -> str | None:
    """The text of a message, if it is nothing but text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content and all(_is_text(part) for part in content):
        return "".join(part["text"] for part in content)
    return None


def _is_text(part: object) -> bool:
    return (
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
    )


def _put(part: Fields, name: str, text: str) -> None:
    """Write a text back in the form in which it came."""
    if isinstance(part.get(name), list):
        part[name] = [{"type": "text", "text": text}]
    else:
        part[name] = text
