"""What the YAML says under ``safety``."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.step import StepSettings
from pilotlight_transformer.safety.denylist import DenyList
from pilotlight_transformer.safety.finding import Action, Detector, Rule
from pilotlight_transformer.safety.pii import PATTERNS, PatternDetector

_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_LABEL = re.compile(r'[^"\\\x00-\x1f]*')
_URL = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[^\s@]*)?")


class Side(StrEnum):
    """What a rule reads."""

    PROMPT = "prompt"
    ANSWER = "answer"


BOTH = (Side.PROMPT, Side.ANSWER)
Kind = Literal["email", "phone", "iban", "card", "key"]


def _checked_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("a rule's name has up to 40 of a-z, 0-9, - and _")
    return name


def _checked_label(label: str) -> str:
    if _LABEL.fullmatch(label) is None:
        raise ValueError("it goes into JSON texts too: leave quotes and backslashes out")
    return label


def _checked_url(url: str) -> str:
    if _URL.fullmatch(url) is None:
        raise ValueError("an http:// or https:// URL without a user in it")
    return url


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DenySettings(_Settings):
    """A deny-list."""

    name: Annotated[str, AfterValidator(_checked_name)]
    words: tuple[str, ...] = ()
    file: Path | None = None
    whole_words: bool = True
    action: Action = Action.REFUSE
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = BOTH


class PiiSettings(_Settings):
    """Personal data and keys."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = (
        "email",
        "phone",
        "iban",
        "card",
        "key",
    )
    action: Action = Action.REDACT
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = BOTH


class InjectionSettings(_Settings):
    """Heuristics for prompts that want to take over."""

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    action: Literal[Action.FLAG, Action.REFUSE] = Action.FLAG


class ClassifierSettings(_Settings):
    """A classifier outside."""

    url: Annotated[str, AfterValidator(_checked_url)]
    token: SecretStr | None = None
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    connections: Annotated[int, Field(ge=1)] = 32
    on_failure: Literal["refuse", "pass"] = "refuse"
    action: Literal[Action.FLAG, Action.REFUSE] = Action.REFUSE
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = (Side.PROMPT,)
    streams: Literal["refuse", "pass"] = "refuse"


class SafetySettings(StepSettings):
    """All of it."""

    deny: tuple[DenySettings, ...] = ()
    pii: tuple[PiiSettings, ...] = ()
    injection: InjectionSettings | None = None
    classifier: ClassifierSettings | None = None
    replacement: Annotated[str, AfterValidator(_checked_label)] = "[{rule}]"
    other_routes: Literal["refuse", "pass"] = "refuse"
    tokens: Literal["refuse", "pass"] = "refuse"
    max_chars: Annotated[int, Field(ge=1)] = 2_000_000

    @model_validator(mode="after")
    def _something_to_do(self) -> "SafetySettings":
        if not (self.deny or self.pii or self.injection or self.classifier):
            raise ValueError("there is no rule: give deny, pii, injection or classifier")
        names = [entry.name for entry in self.deny]
        if len(set(names)) < len(names):
            raise ValueError("deny: two lists have one name: rename one of them")
        return self

    def detectors(self, side: Side) -> list[Detector]:
        """The rules that read one side, in the order of the file.

        Raises:
            UsageError: A deny-list cannot be used.
        """
        return [*self._deny(side), *self._pii(side)]

    def _deny(self, side: Side) -> Iterator[Detector]:
        for entry in self.deny:
            if side in entry.sides:
                rule = self._rule(entry.name, entry.action)
                try:
                    yield DenyList(rule, _words(entry), whole_words=entry.whole_words)
                except ValueError as error:
                    raise UsageError(f"safety: deny: {error}") from None

    def _pii(self, side: Side) -> Iterator[Detector]:
        for entry in self.pii:
            if side in entry.sides:
                for kind in entry.kinds:
                    rule = self._rule(kind, entry.action)
                    for pattern in PATTERNS[kind]:
                        yield PatternDetector(rule, pattern)

    def _rule(self, name: str, action: Action) -> Rule:
        return Rule(name, action, self.replacement.replace("{rule}", name))


def _words(entry: DenySettings) -> Iterator[str]:
    yield from entry.words
    if entry.file is None:
        return
    try:
        lines = entry.file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"safety: deny: {entry.file} cannot be read: {error}") from None
    yield from (line for line in lines if line.strip() and not line.startswith("#"))
