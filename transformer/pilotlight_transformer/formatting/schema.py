"""A JSON schema that somebody sent: bounded in size, fetches nothing, ends in bounded steps."""

import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.formatting.patterns import matches

MAX_BYTES = 32 * 2**10
MAX_DEPTH = 40
MAX_STEPS = 60_000
"""Keywords looked at for one document: about a second of work."""

_Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError]]

_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_MAPS = frozenset({"properties", "$defs", "definitions", "dependentSchemas", "patternProperties"})
_DATA = frozenset({"enum", "const", "default", "examples", "required", "dependentRequired"})
_LEFT: ContextVar[list[int]] = ContextVar("left")


class TooMuchWork(Exception):
    """It cannot be told in bounded time whether a document fits."""


class Schema:
    """A schema of draft 2020-12 that can be used.

    A pattern that may take long is not checked (:mod:`.patterns`). Formats are not, nor
    ``patternProperties`` and, in a schema that has them, what forbids other properties.

    Raises:
        InvalidRequest: It is none, too large, too deep, or refers to another document.
    """

    def __init__(self, schema: object) -> None:
        if not isinstance(schema, dict | bool):
            raise _unusable("it must be an object")
        try:
            if len(json.dumps(schema)) > MAX_BYTES:
                raise _unusable(f"it is over {MAX_BYTES} bytes")
            Draft202012Validator.check_schema(schema, format_checker=None)
            known = _known(schema, strict=not _has_patterns(schema, 0), depth=0)
        except SchemaError as error:
            raise _unusable(f"its `{error.validator}` is not as draft 2020-12 has it") from None
        except RecursionError:
            raise _unusable("it is too deep") from None
        self._validator = _VALIDATOR(known, registry=Registry())

    def fault(self, document: object) -> str | None:
        """The keyword that ``document`` does not keep; ``None`` if it fits.

        Raises:
            TooMuchWork: There are too many steps to it.
        """
        token = _LEFT.set([MAX_STEPS])
        try:
            error = next(self._validator.iter_errors(document), None)
        except (RecursionError, OverflowError, Unresolvable) as failure:
            raise TooMuchWork(type(failure).__name__) from None
        finally:
            _LEFT.reset(token)
        return None if error is None else str(error.validator or "false")


def _unusable(why: str) -> InvalidRequest:
    return InvalidRequest(f"the JSON schema cannot be used: {why}", param="response_format")


def _has_patterns(schema: object, depth: int) -> bool:
    """Whether some part chooses properties by a pattern."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            return True
        return any(_has_patterns(inner, depth + 1) for inner in schema.values())
    return isinstance(schema, list) and any(_has_patterns(inner, depth + 1) for inner in schema)


def _known(schema: Any, *, strict: bool, depth: int) -> Any:
    """A copy with what is checked only.

    Args:
        strict: Whether properties that no keyword names can be told from those that one does.
    """
    if depth > MAX_DEPTH:
        raise _unusable(f"it is more than {MAX_DEPTH} levels deep")
    if isinstance(schema, list):
        return [_known(inner, strict=strict, depth=depth + 1) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for name, value in schema.items():
        if name in _REFERENCES and not (isinstance(value, str) and value.startswith("#")):
            raise _unusable(f"{name} must point into the schema itself: nothing is fetched")
        if name in {"$schema", "patternProperties"}:
            continue
        if not strict and name in {"additionalProperties", "unevaluatedProperties"}:
            continue
        if name in _MAPS and isinstance(value, dict):
            found[name] = {
                key: _known(inner, strict=strict, depth=depth + 1) for key, inner in value.items()
            }
        elif name in _DATA:
            found[name] = value
        else:
            found[name] = _known(value, strict=strict, depth=depth + 1)
    return found


def _counted(keyword: _Keyword) -> _Keyword:
    """A keyword that takes its work from what is left."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
        left = _LEFT.get()
        left[0] -= 1 + (len(value) // 4 if isinstance(value, list | dict) else 0)
        if left[0] < 0:
            raise TooMuchWork("steps")
        return keyword(validator, value, instance, schema) or ()

    return check


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterable[ValidationError]:
    if isinstance(instance, str) and matches(pattern, instance) is False:
        yield ValidationError("the pattern is not there")


def _unique(_: Any, unique: bool, instance: Any, __: Any) -> Iterable[ValidationError]:
    if not unique or not isinstance(instance, list):
        return
    # Linear, where comparing each with each is not.
    if len({_frozen(item) for item in instance}) != len(instance):
        yield ValidationError("an item is there twice")


def _frozen(value: Any) -> object:
    """``value`` as JSON schema compares it: 1 is 1.0, and not true."""
    if isinstance(value, dict):
        return "object", frozenset((key, _frozen(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "array", tuple(_frozen(inner) for inner in value)
    return isinstance(value, bool), value


_KEYWORDS = {**Draft202012Validator.VALIDATORS, "pattern": _pattern, "uniqueItems": _unique}
_VALIDATOR = extend(
    Draft202012Validator, {name: _counted(keyword) for name, keyword in _KEYWORDS.items()}
)
