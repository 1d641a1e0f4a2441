"""Prompt templates with named variables and versions, rendered in a sandbox with bounds.

A variable is data: what it holds is never read as a template.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError, meta, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pilotlight.errors import InvalidRequest, UsageError
from pilotlight_transformer.validation.settings import TemplateSettings

MAX_STEPS = 10_000
"""Turns of all loops of one rendering together."""
MAX_VALUES = 1_000
"""Entries of one variable, all levels together."""
PLACE = "prompt_template"
_STEPS = "_pilotlight_steps"
_BOUNDED = "_pilotlight_bounded"

Message = dict[str, Any]


class _TooMuch(Exception):
    """A rendering went over a bound."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox; multiplying and loops are bounded too."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers or (operator == "**" and (abs(left) > 1000 or abs(right) > 100)):
            # A text times a number of the request could fill the memory.
            raise _TooMuch
        return super().call_binop(context, operator, left, right)


@pass_context
def _bounded(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    steps: list[int] = context[_STEPS]
    for value in values:
        steps[0] += 1
        if steps[0] > MAX_STEPS:
            raise _TooMuch
        yield value


def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters[_BOUNDED] = _bounded
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name, None)
    # Their size comes from a number, which may be a variable.
    for name in ("center", "format", "indent", "batch", "slice"):
        environment.filters.pop(name, None)
    return environment


_ENVIRONMENT = _environment()


class Text:
    """One text of a template.

    Raises:
        UsageError: It cannot be read, or uses what is not allowed.
    """

    def __init__(self, name: str, source: str) -> None:
        try:
            tree = _ENVIRONMENT.parse(source)
            for forbidden in (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends):
                if next(tree.find_all(forbidden), None) is not None:
                    raise UsageError(f"validate: the template {name} may load no other template")
            self.variables = frozenset(meta.find_undeclared_variables(tree)) - set(
                _ENVIRONMENT.globals
            )
            for loop in list(tree.find_all(nodes.For)):
                loop.iter = nodes.Filter(
                    loop.iter, _BOUNDED, [], [], None, None, lineno=loop.lineno
                )
            # Checks the names of filters and tests too.
            code = _ENVIRONMENT.compile(tree)
        except TemplateError as error:
            raise UsageError(f"validate: the template {name} cannot be read: {error}") from None
        self._template = _ENVIRONMENT.template_class.from_code(
            _ENVIRONMENT, code, _ENVIRONMENT.make_globals(None)
        )

    def render(self, variables: dict[str, Any], most: int) -> str:
        """The text with its variables, at most ``most`` characters.

        Raises:
            InvalidRequest: A variable is missing or of the wrong kind, or the text grows too long.
        """
        pieces = self._template.generate({**variables, _STEPS: [0]})
        try:
            return "".join(_at_most(most, pieces))
        except (_TooMuch, RecursionError, OverflowError):
            raise InvalidRequest(
                "the prompt template grows too long with these variables: send less",
                param=f"{PLACE}.variables",
            ) from None
        except UndefinedError:
            missing = sorted(self.variables - variables.keys())
            raise InvalidRequest(
                f"the prompt template misses a variable: {', '.join(missing) or 'a part of one'}",
                param=f"{PLACE}.variables" + (f".{missing[0]}" if len(missing) == 1 else ""),
            ) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError):
            raise InvalidRequest(
                "the prompt template cannot be filled with these variables: one is of another kind",
                param=f"{PLACE}.variables",
            ) from None


def _at_most(most: int, pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise _TooMuch
        yield piece


class PromptTemplate:
    """A template with its versions.

    Raises:
        UsageError: A version cannot be used.
    """

    def __init__(self, name: str, settings: TemplateSettings) -> None:
        self.default = settings.default or next(iter(settings.versions))
        self._versions = {
            version: _messages(f"{name}, version {version}", written)
            for version, written in settings.versions.items()
        }

    def version(self, name: str) -> list[tuple[str, Text]]:
        """Roles and texts of a version.

        Raises:
            InvalidRequest: There is none of that name.
        """
        if name not in self._versions:
            raise InvalidRequest(
                f"the prompt template has no such version: choose of {', '.join(self._versions)}",
                param=f"{PLACE}.version",
            )
        return self._versions[name]


def _messages(name: str, written: str | list[dict[str, str]]) -> list[tuple[str, Text]]:
    if isinstance(written, str):
        return [("user", Text(name, written))]
    for message in written:
        if message.keys() != {"role", "content"}:
            raise UsageError(f"validate: the template {name}: a message is `role` and `content`")
    if not written:
        raise UsageError(f"validate: the template {name} is empty")
    return [(message["role"], Text(name, message["content"])) for message in written]


class PromptTemplates:
    """All templates of the settings."""

    def __init__(self, settings: dict[str, TemplateSettings]) -> None:
        self._templates = {name: PromptTemplate(name, value) for name, value in settings.items()}

    def render(self, asked: Any, most: int) -> list[Message]:
        """The messages that a request's ``prompt_template`` asks for.

        Args:
            asked: ``{name, version, variables}``.
            most: Characters, all messages together.

        Raises:
            InvalidRequest: It asks for what is not there, or its variables do not fit.
        """
        if not isinstance(asked, dict) or asked.keys() - {"name", "version", "variables"}:
            raise InvalidRequest(
                f"`{PLACE}` must be an object of name, version and variables", param=PLACE
            )
        template = self._templates.get(str(asked.get("name")))
        if template is None:
            known = ", ".join(self._templates) or "there are none"
            raise InvalidRequest(
                f"there is no such prompt template: choose of {known}", param=f"{PLACE}.name"
            )
        version = asked.get("version")
        texts = template.version(template.default if version is None else str(version))
        variables = _checked(asked.get("variables"), texts)
        messages: list[Message] = []
        for role, text in texts:
            content = text.render(variables, most)
            most -= len(content)
            messages.append({"role": role, "content": content})
        return messages


def _checked(variables: Any, texts: list[tuple[str, Text]]) -> dict[str, Any]:
    if variables is None:
        return {}
    if not isinstance(variables, dict):
        raise InvalidRequest(f"`{PLACE}.variables` must be an object", param=f"{PLACE}.variables")
    known = frozenset().union(*(text.variables for _, text in texts))
    if variables.keys() - known:
        raise InvalidRequest(
            f"the prompt template has other variables: {', '.join(sorted(known)) or 'none'}",
            param=f"{PLACE}.variables",
        )
    if _entries(variables) > MAX_VALUES:
        raise InvalidRequest(
            f"`{PLACE}.variables` holds more than {MAX_VALUES} entries",
            param=f"{PLACE}.variables",
        )
    return variables


def _entries(value: Any) -> int:
    waiting, count = [value], 0
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list):
            count += len(inner)
            waiting += inner.values() if isinstance(inner, dict) else inner
    return count
