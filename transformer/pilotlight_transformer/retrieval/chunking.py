"""Cuts a text into chunks of a bounded number of tokens, at the best border that there is."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import tokenizers

from pilotlight.errors import UsageError
from pilotlight_transformer.retrieval.document import Chunk

Count = Callable[[Sequence[str]], list[int]]
"""Tokens of each text."""

PIECE = 16
"""Characters after which a word without spaces may be cut: no more than 64 tokens of bytes."""
MIN_TOKENS = 64

_SPACES = re.compile(r"\s{33,}")
_WORD = re.compile(r"\s*\S{1,16}|\s+\Z")
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", ":", ";")  # noqa: RUF001


def estimate(texts: Sequence[str]) -> list[int]:
    """About as many tokens as a text has: a quarter of its Latin characters, all others."""
    return [
        max(1, (latin + 3) // 4 + len(text) - latin)
        for text in texts
        for latin in (sum(character < "\u0250" for character in text),)
    ]


def counter(tokenizer: Path | None) -> Count:
    """Counts by a tokenizer, or by :func:`estimate`.

    Raises:
        UsageError: The tokenizer cannot be read.
    """
    if tokenizer is None:
        return estimate
    file = tokenizer if tokenizer.suffix == ".json" else tokenizer / "tokenizer.json"
    try:
        loaded = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001  # the library raises Exception itself
        raise UsageError(
            f"the tokenizer {file} cannot be read ({error}): give the folder of the embedding "
            "model, with its tokenizer.json"
        ) from None
    loaded.no_truncation()
    loaded.no_padding()
    return lambda texts: [
        len(found) for found in loaded.encode_batch_fast(list(texts), add_special_tokens=False)
    ]


def cut(text: str, tokens: int, overlap: int, count: Count = estimate) -> list[Chunk]:
    """The chunks of a text, in order.

    A chunk ends at the last paragraph in its second half, or else at a sentence's end there, or
    else after a word. What overlaps is the end of the chunk before.

    Args:
        tokens: Of a chunk, at most; at least :data:`MIN_TOKENS`.
        overlap: Tokens of the chunk before that the next one repeats, at most; below half of
            ``tokens``.
    """
    words = [_SPACES.sub(_shortened, word) for word in _WORD.findall(text)]
    costs = count(words) if words else []
    chunks: list[Chunk] = []
    start = done = 0
    while done < len(words):
        end = _reach(costs, start, tokens)
        if end <= done:
            # What overlaps leaves no room for the next word.
            start = done
            end = _reach(costs, start, tokens)
        if end < len(words):
            end = _border(words, max(done, start + (end - start) // 2), end)
        piece = "".join(words[start:end]).strip()
        if piece:
            chunks.append(Chunk(len(chunks), piece, sum(costs[start:end])))
        done = end
        start = _back(costs, start, end, overlap)
    return chunks


def _shortened(spaces: re.Match[str]) -> str:
    return "\n\n" if spaces[0].count("\n") > 1 else " "


def _reach(costs: Sequence[int], start: int, tokens: int) -> int:
    """How far a chunk goes that begins at ``start``: one word at least."""
    total, end = costs[start], start + 1
    while end < len(costs) and total + costs[end] <= tokens:
        total += costs[end]
        end += 1
    return end


def _border(words: Sequence[str], after: int, end: int) -> int:
    """The best end of a chunk that may reach to ``end``, behind ``after``."""
    for is_border in (_paragraph, _sentence, _space):
        for at in range(end, after, -1):
            if is_border(words[at - 1], words[at]):
                return at
    return end


def _paragraph(_: str, following: str) -> bool:
    return following[: len(following) - len(following.lstrip())].count("\n") > 1


def _sentence(before: str, following: str) -> bool:
    return before.endswith(_SENTENCE_ENDS) and _space(before, following)


def _space(_: str, following: str) -> bool:
    return following[:1].isspace()


def _back(costs: Sequence[int], start: int, end: int, overlap: int) -> int:
    """Where the next chunk begins: always after ``start``."""
    total, at = 0, end
    while at - 1 > start and total + costs[at - 1] <= overlap:
        at -= 1
        total += costs[at]
    return at
