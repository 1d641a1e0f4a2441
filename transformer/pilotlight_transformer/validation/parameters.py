"""Parameters of a request: their types, and the ranges that a tenant may use."""

from dataclasses import dataclass
from typing import Any, Literal

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.validation.settings import Limits, ParameterLimit

Kind = Literal["integer", "number", "boolean", "string", "object", "list", "texts", "any"]

SAME_AS = {
    "max_completion_tokens": "max_tokens",
    "best_of": "n",
    "top_logprobs": "logprobs",
    "prompt_logprobs": "logprobs",
}
"""Other names of a thing: a rule for the one on the right holds for the one on the left."""

NEVER_UNASKED = ("chat_template", "prompt_embeds", "logits_processors")
"""Refused unless ``parameters`` allows them: the predictor would run or count something else than
what is checked here."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Type and widest range of a parameter."""

    kind: Kind
    low: float | None = None
    high: float | None = None


_INT64 = 2**63
_COMMON: dict[str, Shape] = {
    "model": Shape("string"),
    "user": Shape("string"),
    "priority": Shape("integer", -(2**31), 2**31),
    "request_id": Shape("string"),
    "cache_salt": Shape("string"),
    "truncate_prompt_tokens": Shape("integer", -1, 2**31),
    "add_special_tokens": Shape("boolean"),
}
_GENERATING: dict[str, Shape] = _COMMON | {
    "max_tokens": Shape("integer", 0, 2**31),
    "n": Shape("integer", 1, 128),
    "best_of": Shape("integer", 1, 128),
    "temperature": Shape("number", 0, 2),
    "top_p": Shape("number", 0, 1),
    "top_k": Shape("integer", -1, 2**31),
    "min_p": Shape("number", 0, 1),
    "presence_penalty": Shape("number", -2, 2),
    "frequency_penalty": Shape("number", -2, 2),
    "repetition_penalty": Shape("number", 0, 2),
    "length_penalty": Shape("number"),
    "min_tokens": Shape("integer", 0, 2**31),
    "seed": Shape("integer", -_INT64, _INT64 - 1),
    "stop": Shape("texts"),
    "stop_token_ids": Shape("list"),
    "bad_words": Shape("list"),
    "allowed_token_ids": Shape("list"),
    "logit_bias": Shape("object"),
    "stream": Shape("boolean"),
    "stream_options": Shape("object"),
    "prompt_logprobs": Shape("integer", -1, 20),
    "response_format": Shape("object"),
    "structured_outputs": Shape("object"),
    "guided_json": Shape("any"),
    "guided_regex": Shape("string"),
    "guided_choice": Shape("list"),
    "guided_grammar": Shape("string"),
    "use_beam_search": Shape("boolean"),
    "ignore_eos": Shape("boolean"),
    "skip_special_tokens": Shape("boolean"),
    "spaces_between_special_tokens": Shape("boolean"),
    "include_stop_str_in_output": Shape("boolean"),
    "return_token_ids": Shape("boolean"),
    "return_tokens_as_token_ids": Shape("boolean"),
    "echo": Shape("boolean"),
    "service_tier": Shape("string"),
    "metadata": Shape("object"),
    "store": Shape("boolean"),
    "logits_processors": Shape("list"),
}
SHAPES: dict[Route, dict[str, Shape]] = {
    Route.CHAT: _GENERATING
    | {
        "messages": Shape("list"),
        # vLLM takes 0 for "not given", which is as much as there is room for.
        "max_tokens": Shape("integer", 1, 2**31),
        "max_completion_tokens": Shape("integer", 1, 2**31),
        "logprobs": Shape("boolean"),
        "top_logprobs": Shape("integer", 0, 20),
        "tools": Shape("list"),
        "documents": Shape("list"),
        "tool_choice": Shape("any"),
        "parallel_tool_calls": Shape("boolean"),
        "functions": Shape("list"),
        "function_call": Shape("any"),
        "reasoning_effort": Shape("string"),
        "verbosity": Shape("string"),
        "modalities": Shape("list"),
        "prediction": Shape("object"),
        "add_generation_prompt": Shape("boolean"),
        "continue_final_message": Shape("boolean"),
        "chat_template": Shape("string"),
        "chat_template_kwargs": Shape("object"),
    },
    Route.COMPLETIONS: _GENERATING
    | {
        "prompt": Shape("any"),
        "suffix": Shape("string"),
        "logprobs": Shape("integer", 0, 20),
        "prompt_embeds": Shape("any"),
    },
    Route.EMBEDDINGS: _COMMON
    | {
        "input": Shape("any"),
        "messages": Shape("list"),
        "encoding_format": Shape("string"),
        "dimensions": Shape("integer", 1, 2**20),
        "normalize": Shape("boolean"),
    },
}

_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
    "object": "an object",
    "list": "a list",
    "texts": "a string or a list of strings",
}


def check_types(route: Route, document: dict[str, Any]) -> None:
    """Check the known parameters' types and widest ranges.

    Raises:
        InvalidRequest: One is of another type, or out of range; ``param`` names it.
    """
    shapes = SHAPES[route]
    for name, value in document.items():
        shape = shapes.get(name)
        if shape is None or value is None:
            continue
        if not _is(value, shape.kind):
            raise InvalidRequest(f"`{name}` must be {_WORDS[shape.kind]}", param=name)
        _check_range(name, value, shape.low, shape.high)


def _is(value: Any, kind: Kind) -> bool:
    # In Python, true is an integer.
    if isinstance(value, bool):
        return kind in {"boolean", "any"}
    match kind:
        case "integer":
            return isinstance(value, int)
        case "number":
            return isinstance(value, int | float)
        case "string":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "texts":
            texts = value if isinstance(value, list) else [value]
            return all(isinstance(text, str) for text in texts)
        case _:
            return kind == "any"


def _check_range(name: str, value: Any, low: float | None, high: float | None) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if (low is not None and value < low) or (high is not None and value > high):
        raise InvalidRequest(f"`{name}` must be {_between(low, high)}", param=name)


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What the rules change in a request.

    Attributes:
        put: Fields with the values that they get.
        drop: Fields that are taken out.
    """

    put: dict[str, Any]
    drop: list[str]


def apply_rules(
    route: Route, document: dict[str, Any], limits: Limits, also_known: frozenset[str]
) -> Changes:
    """Hold a request against a tenant's rules.

    Raises:
        InvalidRequest: A parameter is not allowed, out of its range, or unknown.
    """
    changes = Changes({}, [])
    for name, value in document.items():
        rule = _rule(name, limits)
        if rule is None:
            if name in SHAPES[route] or name in also_known or limits.unknown == "pass":
                continue
            if limits.unknown == "refuse":
                raise InvalidRequest(
                    "there is a parameter that is unknown here: take it out", param=_shown(name)
                )
            changes.drop.append(name)
        elif value is not None:
            _apply(name, value, rule, changes)
    _put_defaults(route, document, limits, changes)
    return changes


def _shown(name: str) -> str:
    return name[:64].encode("utf-8", "replace").decode()


def _rule(name: str, limits: Limits) -> bool | ParameterLimit | None:
    rule = limits.parameters.get(name)
    if rule is None and name in SAME_AS:
        rule = limits.parameters.get(SAME_AS[name])
    return False if rule is None and name in NEVER_UNASKED else rule


def _apply(name: str, value: Any, rule: bool | ParameterLimit, changes: Changes) -> None:
    if isinstance(rule, bool):
        if not rule and value is not False:
            raise InvalidRequest(f"`{name}` is not allowed here: take it out", param=name)
        return
    if rule.values is not None and not any(_same(value, allowed) for allowed in rule.values):
        raise InvalidRequest(f"`{name}` must be one of {rule.values}", param=name)
    if rule.over == "refuse" or isinstance(value, bool) or not isinstance(value, int | float):
        _check_range(name, value, rule.min, rule.max)
        return
    capped = max(value, value if rule.min is None else rule.min)
    capped = min(capped, capped if rule.max is None else rule.max)
    if capped != value:
        changes.put[name] = int(capped) if isinstance(value, int) else capped


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _put_defaults(route: Route, document: dict[str, Any], limits: Limits, changes: Changes) -> None:
    for name, rule in limits.parameters.items():
        if isinstance(rule, bool) or name not in SHAPES[route]:
            continue
        default = rule.default
        if default is None and name == "max_tokens" and route is Route.CHAT and rule.max:
            # Without a number a chat goes on to the end of the model's context.
            default = int(rule.max)
        names = [name, *(other for other, same in SAME_AS.items() if same == name)]
        if default is not None and all(document.get(other) is None for other in names):
            changes.put[name] = default
