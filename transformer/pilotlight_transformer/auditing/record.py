"""One call as a line of JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Outcome

LONGEST = 256
"""Of a text that a client may have chosen: more of it is cut off."""


def record(call: Call, outcome: Outcome, now: float, wall: float) -> dict[str, Any]:
    """What was decided, without the call's text, its headers or its query.

    Args:
        now: On the clock of ``call.arrived_at``.
        wall: Seconds since the Unix epoch.
    """
    facts = call.facts
    first_byte_at = facts.first_byte_at
    return {
        "time": datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds"),
        "request_id": _short(call.request_id),
        "tenant": _short(call.identity.tenant),
        "subject": _short(call.identity.subject),
        "peer": call.peer,
        "protocol": "grpc" if call.over_grpc else "http",
        "route": call.route.value,
        "model": _model(call, outcome),
        "status": outcome.status,
        "outcome": word(outcome),
        "error": outcome.error,
        "prompt_tokens": facts.prompt_tokens,
        "completion_tokens": facts.completion_tokens,
        "finish_reason": facts.finish_reason,
        "response_id": _short(facts.response_id),
        "upstream": facts.upstream,
        "revision": facts.revision,
        "cache": facts.cache,
        "first_byte_ms": None if first_byte_at is None else _ms(first_byte_at - call.arrived_at),
        "duration_ms": _ms(now - call.arrived_at),
        "decisions": [
            {"step": decision.step, "what": decision.what, "why": decision.why}
            for decision in call.decisions
        ],
    }


def word(outcome: Outcome) -> str:
    """How a call ended: ok, left (by its client), cut, refused or failed."""
    if outcome.cancelled:
        return "left"
    if outcome.cut:
        return "cut"
    if outcome.status >= 500:
        return "failed"
    return "refused" if outcome.error is not None or outcome.status >= 400 else "ok"


def line(fields: Mapping[str, Any]) -> bytes:
    """A record as one line. Lone surrogates, which JSON may hold and UTF-8 may not, are escaped."""
    try:
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return json.dumps(fields).encode() + b"\n"


def _model(call: Call, outcome: Outcome) -> str | None:
    if outcome.status == 401 and call.path_name is None:
        return None  # it is in a body that nobody has parsed yet, and nobody need
    try:
        return _short(call.model)
    except InvalidRequest:
        return None


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else text[:LONGEST]


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
