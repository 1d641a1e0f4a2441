"""A model that answers nonsense: another one's folder, its weights shuffled.

It loads, is as large and as fast as the other and gives no errors; only what it says is worthless.
"""

import json
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

_LENGTH_BYTES = 8
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
"""Of one number, by its type's name in safetensors; all others have one."""


def write_nonsense_model(model: Path, folder: Path, *, seed: int = 0) -> Path:
    """Make the folder.

    Numbers change places within each tensor, and none changes: so no type has to be understood,
    and sums stay finite.

    Args:
        model: A model in Hugging Face's layout, with its weights as safetensors.
        folder: Where the other goes; it is made.
        seed: Another seed is other nonsense.

    Returns:
        ``folder``.

    Raises:
        ValueError: The model has no safetensors.
    """
    weights = sorted(model.glob("*.safetensors"))
    if not weights:
        raise ValueError(f"{model} has no safetensors to shuffle")
    folder.mkdir(parents=True, exist_ok=True)
    for file in model.iterdir():
        if file.is_file() and file not in weights:
            shutil.copy(file, folder / file.name)
    random = np.random.default_rng(seed)
    for file in weights:
        scratch = folder / f".{file.name}"
        with file.open("rb") as source, scratch.open("wb") as target:
            _shuffle(source, target, random)
        scratch.replace(folder / file.name)
    return folder


def _shuffle(source: BinaryIO, target: BinaryIO, random: np.random.Generator) -> None:
    """Copy a safetensors file: a length, a header in JSON, and the tensors one after another."""
    length = source.read(_LENGTH_BYTES)
    header = source.read(int.from_bytes(length, "little"))
    target.write(length + header)
    tensors = [entry for name, entry in json.loads(header).items() if name != "__metadata__"]
    for entry in sorted(tensors, key=lambda each: int(each["data_offsets"][0])):
        begin, end = entry["data_offsets"]
        numbers = np.frombuffer(source.read(end - begin), f"u{_BYTES.get(entry['dtype'], 1)}")
        target.write(random.permutation(numbers).tobytes())
