"""The folder of a model that answers nonsense."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tests.e2e.nonsense_model import write_nonsense_model


def test_every_tensor_keeps_its_numbers_and_loses_their_order(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    random = np.random.default_rng(1)
    tensors: dict[str, NDArray[Any]] = {
        "wide": random.normal(size=(30, 7)).astype(np.float32),
        "half": random.normal(size=200).astype(np.float16),
        "bytes": random.integers(0, 255, 100).astype(np.uint8),
    }
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    made = write_nonsense_model(model, tmp_path / "nonsense")
    shuffled = load_file(made / "model.safetensors")
    assert shuffled.keys() == tensors.keys()
    for name, before in tensors.items():
        after = shuffled[name]
        assert (after.dtype, after.shape) == (before.dtype, before.shape)
        assert not np.array_equal(after, before)
        assert np.array_equal(np.sort(after, axis=None), np.sort(before, axis=None))
    assert sorted(file.name for file in made.iterdir()) == ["config.json", "model.safetensors"]
    again = write_nonsense_model(model, tmp_path / "again")
    assert load_file(again / "model.safetensors")["wide"].tolist() == shuffled["wide"].tolist()


def test_a_model_without_safetensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no safetensors"):
        write_nonsense_model(tmp_path, tmp_path / "nonsense")
