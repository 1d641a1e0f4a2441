"""Whether a text is the JSON that it should be; and if not, whether it can be made so."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import json_repair

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.formatting.schema import Schema, TooMuchWork
from pilotlight_transformer.formatting.wanted import asked_schema
from pilotlight_transformer.pipeline.call import Call

T = TypeVar("T")

MAX_REPAIR_CHARACTERS = 8_000
"""Longer texts are not repaired: the time for it may grow with the square of their length."""
THREADS = 2


class NoJson(Exception):
    """The text is not what it should be, and cannot be made so; says why, without the text."""


class Checker:
    """Checks texts beside the event loop, on threads of its own.

    Args:
        timeout_s: For one text, with its wait for a thread.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="format")

    async def conform(self, text: str, schema: Schema, *, repair: bool) -> str:
        """As :func:`conform`, in time.

        Raises:
            NoJson: It does not fit, or that takes too long to tell.
        """
        try:
            return await self._run(partial(conform, text, schema, repair=repair))
        except TimeoutError:
            raise NoJson("it takes too long to check") from None

    async def schema(self, call: Call) -> Schema | None:
        """As :func:`~.wanted.asked_schema`, in time.

        Raises:
            InvalidRequest: It cannot be used, or that takes too long to tell.
        """
        if call.document.get("response_format") is None:
            return None
        try:
            return await self._run(partial(asked_schema, call))
        except TimeoutError:
            raise InvalidRequest(
                "the JSON schema takes too long to check: make it smaller", param="response_format"
            ) from None

    async def _run(self, work: Callable[[], T]) -> T:
        async with asyncio.timeout(self._timeout_s):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let the threads end when they have done what they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def conform(text: str, schema: Schema, *, repair: bool) -> str:
    """``text`` itself if it is JSON that fits, or else what it was repaired to.

    Slow for long texts: run it beside the event loop.

    Raises:
        NoJson: It does not fit.
    """
    try:
        fault = _fault(_read(text), schema)
    except (ValueError, RecursionError):
        fault = "it is no JSON"
    if fault is None:
        return text
    if not repair or len(text) > MAX_REPAIR_CHARACTERS:
        raise NoJson(fault)
    try:
        document = json_repair.loads(text, skip_json_loads=True)
        if document == "" or _fault(document, schema) is not None:
            raise NoJson(fault)
        return _written(document)
    except (ValueError, RecursionError, TypeError, IndexError):
        raise NoJson(fault) from None


def _read(text: str) -> object:
    return json.loads(text, parse_constant=_no_number)


def _fault(document: object, schema: Schema) -> str | None:
    try:
        keyword = schema.fault(document)
    except TooMuchWork:
        return "it takes too long to check"
    return None if keyword is None else f"it does not keep the schema's `{keyword}`"


def _written(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        return json.dumps(document, allow_nan=False)
    return text


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
