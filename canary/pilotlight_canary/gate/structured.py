"""Whether an answer has the structure that its request asked for: JSON, or a tool call."""

import json
from collections.abc import Mapping
from typing import Any

from pilotlight_canary.gate.answer import Answer, ToolCall


def is_asked_for(body: Mapping[str, Any]) -> bool:
    """Whether a request wants JSON, or may be answered by a tool call."""
    return _format(body) in {"json_object", "json_schema"} or bool(_functions(body))


def fault(body: Mapping[str, Any], answer: Answer) -> str | None:
    """What is wrong with the answer's structure, or ``None``.

    A schema that cannot be read is not held against the answer.
    """
    functions = _functions(body)
    for call in answer.tool_calls:
        wrong = _call_fault(call, functions)
        if wrong:
            return wrong
    if answer.tool_calls:
        return None
    choice = body.get("tool_choice")
    if functions and (choice == "required" or isinstance(choice, Mapping)):
        return "no tool call, where one was required"
    if _format(body) == "json_object":
        return _json_fault(answer.text, {"type": "object"})
    if _format(body) == "json_schema":
        schema = (body["response_format"].get("json_schema") or {}).get("schema")
        return _json_fault(answer.text, schema)
    return None


def _call_fault(call: ToolCall, functions: Mapping[str, Any]) -> str | None:
    if call.name not in functions:
        return f"a call of {call.name!r}, which is no tool of the request"
    wrong = _json_fault(call.arguments or "{}", functions[call.name])
    return f"arguments of {call.name!r}: {wrong}" if wrong else None


def _json_fault(text: str, schema: object) -> str | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    return _schema_fault(value, schema) if isinstance(schema, Mapping) else None


def _schema_fault(value: object, schema: Mapping[str, Any]) -> str | None:
    from jsonschema.exceptions import SchemaError, best_match
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        # An empty registry: a reference to another host is never fetched.
        wrong = best_match(kind(schema, registry=Registry()).iter_errors(value))
    except (SchemaError, Unresolvable):
        return None
    return f"not as its schema says: {wrong.message[:300]}" if wrong else None


def _format(body: Mapping[str, Any]) -> str:
    wanted = body.get("response_format")
    return str(wanted.get("type")) if isinstance(wanted, Mapping) else ""


def _functions(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters' schema of each tool, by name."""
    tools = body.get("tools")
    functions = [t.get("function") for t in tools if isinstance(t, Mapping)] if tools else []
    return {str(f.get("name")): f.get("parameters") for f in functions if isinstance(f, Mapping)}
