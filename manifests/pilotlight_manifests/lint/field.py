"""A place in a YAML document: what is there, and on which line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union

Scalar = str | int | float | bool | None
Content = Union[Scalar, "dict[str, Field]", "list[Field]"]


@dataclass(frozen=True)
class Field:
    """A place that may hold anything, or nothing.

    Whoever reads asks for the type that makes sense there. A field of another type reads as absent,
    so that no document can surprise a rule.

    Attributes:
        line: Counted from 1. For an absent field: the line of the nearest place that exists.
        given: Whether the field is written down, be it as null.
        file: Where it stands; a workload may be made of fields from two files.
    """

    line: int = 1
    content: Content = field(default=None, repr=False)
    given: bool = False
    file: str = ""

    def at(self, *steps: str) -> "Field":
        """The field below, by the names of mappings."""
        here = self
        for step in steps:
            below = here.content.get(step) if isinstance(here.content, dict) else None
            here = below or Field(here.line, file=here.file)
        return here

    @property
    def fields(self) -> "dict[str, Field]":
        """The entries of a mapping."""
        return self.content if isinstance(self.content, dict) else {}

    @property
    def items(self) -> "list[Field]":
        """The entries of a list."""
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str | None:
        """A string; a number is read as it is printed, as in an argument list."""
        if isinstance(self.content, bool):
            return str(self.content).lower()
        return str(self.content) if isinstance(self.content, str | int | float) else None

    @property
    def integer(self) -> int | None:
        """A whole number; also one in quotes, as annotations have it."""
        if isinstance(self.content, bool):
            return None
        if isinstance(self.content, int):
            return self.content
        text = self.content.strip() if isinstance(self.content, str) else ""
        digits = text.removeprefix("-")
        # int() refuses numbers of thousands of digits, and no field means one.
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None

    @property
    def plain(self) -> object:
        """The content without positions, to compare."""
        if isinstance(self.content, dict):
            return {name: below.plain for name, below in self.content.items()}
        if isinstance(self.content, list):
            return [below.plain for below in self.content]
        return self.content

    @property
    def texts(self) -> dict[str, str]:
        """A mapping of strings, such as labels."""
        return {name: f.text for name, f in self.fields.items() if f.text is not None}

    def named(self) -> "Iterator[tuple[str, Field]]":
        """The entries of a list of mappings that have a name."""
        for item in self.items:
            name = item.at("name").text
            if name is not None:
                yield name, item
