"""Answers with a structure: JSON and calls of tools, and the tokens' log-probabilities."""

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Draw = Callable[[], str]


@dataclass(frozen=True)
class Structure:
    """What a request wants instead of words."""

    schema: Mapping[str, Any]
    tool: str = ""
    """The tool that is to be called; empty: the answer itself is JSON."""

    def pieces(self, draw: Draw) -> list[str]:
        """A JSON document of this structure, in pieces as long as tokens."""
        return re.findall(r"\s*\w+|\W", json.dumps(_instance(self.schema, draw)))


def wanted(body: Mapping[str, Any]) -> Structure | None:
    """The structure that a request asks for; a tool is called only where one has to be."""
    tools = {t["function"]["name"]: t["function"].get("parameters") for t in body.get("tools", [])}
    choice = body.get("tool_choice")
    if tools and (choice == "required" or isinstance(choice, dict)):
        name = choice["function"]["name"] if isinstance(choice, dict) else next(iter(tools))
        return Structure(tools[name] or {"type": "object"}, name)
    asked = body.get("response_format") or {}
    if asked.get("type") == "json_schema":
        return Structure(asked["json_schema"].get("schema") or {})
    if asked.get("type") == "json_object":
        return Structure({"type": "object", "properties": {"answer": {"type": "string"}}})
    return None


def log_probabilities(
    pieces: list[str], seed: bytes, body: Mapping[str, Any], is_chat: bool
) -> Any:
    """The choice's ``logprobs`` as OpenAI's two routes write them; ``None`` where not asked for."""
    if body.get("logprobs") in (None, False):
        return None
    draw = random.Random(seed + b" logprobs")
    values = [-round(2 * draw.random(), 4) for _ in pieces]
    rare = [round(value - 4, 4) for value in values]
    if not is_chat:
        pairs = zip(pieces, values, rare, strict=True)
        return {
            "tokens": pieces,
            "token_logprobs": values,
            "top_logprobs": [{piece: value, " rarely": least} for piece, value, least in pairs],
        }
    content = [
        {
            "token": piece,
            "logprob": value,
            "top_logprobs": [
                {"token": piece, "logprob": value},
                {"token": " rarely", "logprob": least},
            ],
        }
        for piece, value, least in zip(pieces, values, rare, strict=True)
    ]
    return {"content": content}


def _instance(schema: Mapping[str, Any], draw: Draw) -> Any:
    """A value that the schema allows, as far as schemas of examples go."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: _instance(each, draw) for name, each in properties.items()}
    if kind == "array":
        return [_instance(schema.get("items") or {}, draw)]
    plain = {"integer": 7, "number": 7.5, "boolean": True, "null": None}
    return plain.get(kind) if kind in plain else draw()
