"""Prompts of a wanted number of tokens, as text: servers tokenize them, as in production."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from pilotlight.errors import UsageError

# A byte-level BPE writes the space before a word as Ġ; such an entry is one token in running text.
_WORD = re.compile(r"Ġ[a-z]{3,10}")


def words_of_one_token(model_dir: Path) -> list[str]:
    """Words that a model's byte-level BPE tokenizer takes for one token each, space included.

    Raises:
        UsageError: There is no such tokenizer in ``model_dir``.
    """
    path = model_dir / "tokenizer.json"
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"{path} is not a tokenizer ({error!r}): name a model by --model"
        ) from error
    words = sorted(entry.replace("Ġ", " ") for entry in vocabulary if _WORD.fullmatch(entry))
    if not words:
        raise UsageError(f"{path} is not a byte-level BPE tokenizer: name another model by --model")
    return words


def prompt(words: Sequence[str], tokens: int, seed: str) -> str:
    """A text of ``tokens`` random words.

    Random from the first word on, so that no two prompts share a prefix that a server caches.
    """
    return "".join(random.Random(seed).choices(words, k=tokens))
