"""Headers of a request or an answer: few, ordered, names in lower case."""

from collections.abc import Iterable, Iterator

Pair = tuple[bytes, bytes]


class Headers:
    """An ordered multimap of bytes. Names are lower case; whoever adds one keeps it so."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self.pairs: list[Pair] = list(pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __contains__(self, name: bytes) -> bool:
        return any(known == name for known, _ in self.pairs)

    def get(self, name: bytes) -> bytes | None:
        """The first value of ``name``."""
        for known, value in self.pairs:
            if known == name:
                return value
        return None

    def text(self, name: bytes) -> str | None:
        """The first value of ``name`` as text (Latin-1, as HTTP has it)."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")

    def all(self, name: bytes) -> list[bytes]:
        """Every value of ``name``, in order."""
        return [value for known, value in self.pairs if known == name]

    def put(self, name: bytes, value: bytes) -> None:
        """Set ``name`` to one value, whatever it had."""
        self.pairs = [pair for pair in self.pairs if pair[0] != name]
        self.pairs.append((name, value))

    def remove(self, name: bytes) -> None:
        """Take every value of ``name`` away."""
        self.pairs = [pair for pair in self.pairs if pair[0] != name]

    def copy(self) -> "Headers":
        """Another one with the same pairs."""
        return Headers(self.pairs)
