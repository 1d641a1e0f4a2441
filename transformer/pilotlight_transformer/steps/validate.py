"""The step ``validate``: what is asked is well formed, allowed, and fits into the model."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from prometheus_client import Counter as Count
from prometheus_client import Histogram
from prometheus_client.registry import Collector

from pilotlight.errors import InvalidRequest, RequestError
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import GENERATES, Route
from pilotlight_transformer.pipeline.step import Step, StepSettings, Surroundings
from pilotlight_transformer.validation.body import check_size, check_unambiguous
from pilotlight_transformer.validation.context import Context
from pilotlight_transformer.validation.messages import check_messages, normalised
from pilotlight_transformer.validation.parameters import NEVER_UNASKED, apply_rules, check_types
from pilotlight_transformer.validation.prompts import Prompt, read_prompts
from pilotlight_transformer.validation.settings import Limits, ValidateSettings
from pilotlight_transformer.validation.template import PLACE, PromptTemplates
from pilotlight_transformer.validation.tokens import Counter, ModelTokenizer

CHECKED = frozenset({Route.CHAT, Route.COMPLETIONS, Route.EMBEDDINGS})
"""Routes whose requests are checked whole."""


class ValidateStep(Step):
    """Refuses with a 400 that names the field, and writes alike what means the same."""

    name = "validate"
    Settings: ClassVar[type[StepSettings]] = ValidateSettings
    settings: ValidateSettings

    def __init__(self, settings: ValidateSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        base = Limits(**{name: getattr(settings, name) for name in Limits.model_fields})
        self._limits = base
        self._tenants = {name: base.overridden(own) for name, own in settings.tenants.items()}
        self._also_known = frozenset(settings.also_known)
        self._templates = PromptTemplates(settings.templates)
        self._counter = Counter(settings.thread_above, settings.tokenize_timeout_s)
        self._tokenizer: ModelTokenizer | None = None
        self._tokenizers: dict[str, ModelTokenizer | None] = {}
        self._refusals = Count(
            "pilotlight_transformer_validate_refusals",
            "Requests that the step validate refused.",
            ["reason"],
            registry=None,
        )
        self._tokens = Histogram(
            "pilotlight_transformer_prompt_tokens",
            "Tokens of prompts, counted by the step validate.",
            buckets=(16, 64, 256, 1024, 4096, 16384, 65536),
            registry=None,
        )

    def collectors(self) -> Iterable[Collector]:
        return (self._refusals, self._tokens)

    async def start(self) -> None:
        settings = self.settings
        if settings.tokenizer is not None:
            self._tokenizer = ModelTokenizer(settings.tokenizer, settings.max_model_len)
        for name, own in settings.models.items():
            self._tokenizers[name] = (
                None if own.tokenizer is None else ModelTokenizer(own.tokenizer, own.max_model_len)
            )

    async def stop(self) -> None:
        self._counter.close()

    async def request(self, call: Call) -> Answer | None:
        if call.over_grpc or call.route not in CHECKED | {Route.TOKENIZE}:
            self._other_route(call)
            return None
        limits = self._tenants.get(call.identity.tenant, self._limits)
        with self._counted("body"):
            document = self._read(call)
        if call.route is Route.TOKENIZE:
            with self._counted("parameters"):
                _check_tokenize(document, limits)
                check_size(document, self.settings.max_depth, limits.max_characters)
            return None
        with self._counted("template"):
            self._fill_template(call, limits)
        with self._counted("size"):
            depth = self.settings.max_depth
            check_size(call.document, depth, limits.max_characters, limits.media)
        with self._counted("parameters"):
            self._hold_to_rules(call, limits)
        with self._counted("schema"):
            prompts = self._prompts(call, limits)
        with self._counted("context"):
            await self._fit(call, prompts, limits)
        return None

    @contextmanager
    def _counted(self, reason: str) -> Iterator[None]:
        try:
            yield
        except RequestError:
            self._refusals.labels(reason).inc()
            raise

    def _other_route(self, call: Call) -> None:
        if call.route in GENERATES and self.settings.other_routes == "refuse":
            with self._counted("route"):
                raise InvalidRequest(
                    "this route is not checked here, and so not open: use /v1/chat/completions, "
                    "/v1/completions or /v1/embeddings"
                )

    def _read(self, call: Call) -> dict[str, Any]:
        document = call.document
        brackets = call.body.count(b"{") + call.body.count(b"[")
        if brackets > self.settings.max_depth:
            # What it holds is counted later: first, can it be read at all?
            check_size(document, self.settings.max_depth, sys.maxsize)
        check_unambiguous(call.body)
        return document

    def _fill_template(self, call: Call, limits: Limits) -> None:
        asked = call.document.get(PLACE)
        if asked is None:
            if PLACE in call.document:
                del call.edit()[PLACE]
            return
        messages = self._templates.render(asked, limits.max_characters)
        if call.route is Route.CHAT:
            own = call.document.get("messages")
            filled: Any = messages + (own if isinstance(own, list) else [])
            place = "messages"
        elif call.route is Route.COMPLETIONS and len(messages) == 1:
            filled, place = messages[0]["content"], "prompt"
            if call.document.get(place) is not None:
                raise InvalidRequest("take out `prompt`: the template gives it", param=place)
        else:
            raise InvalidRequest("this route does not take this prompt template", param=PLACE)
        document = call.edit()
        document[place] = filled
        del document[PLACE]
        call.decide(self.name, "template")

    def _hold_to_rules(self, call: Call, limits: Limits) -> None:
        check_types(call.route, call.document)
        tools = call.document.get("tools") or []
        if len(tools) > limits.max_tools:
            raise InvalidRequest(f"there are more than {limits.max_tools} tools", param="tools")
        if not all(isinstance(tool, dict) for tool in tools):
            raise InvalidRequest("each entry of `tools` must be an object", param="tools")
        changes = apply_rules(call.route, call.document, limits, self._also_known)
        if changes.put or changes.drop:
            document = call.edit()
            document.update(changes.put)
            for name in changes.drop:
                del document[name]
            if changes.put:
                call.decide(self.name, "set", ",".join(sorted(changes.put)))
            if changes.drop:
                call.decide(self.name, "dropped", f"{len(changes.drop)} unknown parameters")

    def _prompts(self, call: Call, limits: Limits) -> list[Prompt] | None:
        """The prompts; ``None`` for a chat, whose messages are written alike."""
        document = call.document
        chats = document.get("messages") is not None and call.route is Route.EMBEDDINGS
        if chats and document.get("input") is not None:
            raise InvalidRequest(
                "take out `input` or `messages`: only one is embedded", param="input"
            )
        if chats or call.route is Route.CHAT:
            self._alike(call, limits)
            return None
        if call.route is Route.COMPLETIONS:
            return read_prompts(document.get("prompt"), "prompt", limits.max_prompts)
        return read_prompts(document.get("input"), "input", limits.max_inputs)

    def _alike(self, call: Call, limits: Limits) -> None:
        given = check_messages(call.document.get("messages"), limits, self.settings.roles)
        messages = normalised(given, self.settings.normalise)
        if not messages:
            raise InvalidRequest("all messages are empty", param="messages")
        if len(messages) != len(given) or any(
            one is not other for one, other in zip(messages, given, strict=True)
        ):
            call.edit()["messages"] = messages
            call.decide(self.name, "normalised")

    async def _fit(self, call: Call, prompts: list[Prompt] | None, limits: Limits) -> None:
        tokenizer = self._tokenizers.get(call.model or "", self._tokenizer)
        if tokenizer is None:
            return
        context = Context(call.route, call.document, prompts, tokenizer)
        if self.settings.special_tokens == "refuse":
            context.refuse_control_tokens()
        counts = await self._counter.run(context.characters, context.count)
        call.facts.prompt_tokens = sum(counts)
        self._tokens.observe(sum(counts))
        lowered = context.fit(
            counts, limits.max_prompt_tokens, cap=self.settings.over_context == "cap"
        )
        if lowered is not None:
            name, value = lowered
            call.edit()[name] = value
            call.decide(self.name, "capped", name)


def _check_tokenize(document: dict[str, Any], limits: Limits) -> None:
    for name in NEVER_UNASKED:
        if document.get(name) is not None and limits.parameters.get(name, False) is False:
            raise InvalidRequest(f"`{name}` is not allowed here: take it out", param=name)
