"""The model of a workload: where it comes from, how large it is, what it needs per token."""

from dataclasses import dataclass

from pilotlight_manifests.lint import architecture
from pilotlight_manifests.lint.architecture import Architecture
from pilotlight_manifests.lint.engine import Engine
from pilotlight_manifests.lint.field import Field

MODEL_FLAGS = ("model", "model-id", "model-dir")
MODEL_VARIABLES = ("STORAGE_URI", "MODEL_ID", "HF_MODEL_ID")
_LOCAL = ("/mnt/models", "")

_QUANTIZED_BITS = {
    "awq": 4.0, "awq_marlin": 4.0, "gptq": 4.0, "gptq_marlin": 4.0, "bitsandbytes": 4.0,
    "mxfp4": 4.0, "modelopt_fp4": 4.0, "fp8": 8.0,
}  # fmt: skip
_DTYPE_BITS = {"float32": 32.0, "float": 32.0}


@dataclass(frozen=True)
class Model:
    """What is known of a model's size.

    Attributes:
        name: As it is written: an identifier, a path or a URI.
        measured_bytes: On disk, as the caller says.
    """

    name: str
    place: Field
    engine: Engine
    measured_bytes: float | None = None

    @property
    def architecture(self) -> Architecture | None:
        return architecture.architecture(self.name)

    @property
    def disk_bytes(self) -> float | None:
        if self.measured_bytes is not None:
            return self.measured_bytes
        parameters = architecture.parameters(self.name)
        bits = architecture.stored_bits(self.name)
        return None if parameters is None or bits is None else parameters * bits / 8

    @property
    def memory_bytes(self) -> float | None:
        """What the weights take once they are loaded, over all GPUs."""
        parameters = architecture.parameters(self.name)
        bits = self._loaded_bits()
        if parameters is None or bits is None:
            return self.measured_bytes
        loaded = parameters * bits / 8
        # A size that somebody measured bounds a guess from a name, unless the engine widens it.
        return loaded if self.measured_bytes is None or bits > 16 else self.measured_bytes

    def _loaded_bits(self) -> float | None:
        quantization = (self.engine.flag("quantization").text or "").lower()
        if quantization:
            return _QUANTIZED_BITS.get(quantization)
        stored = architecture.stored_bits(self.name)
        wide = _DTYPE_BITS.get((self.engine.flag("dtype").text or "").lower())
        return wide if wide is not None and stored == 16 else stored

    @property
    def kv_bytes_per_token(self) -> float | None:
        known = self.architecture
        if known is None:
            return None
        cache = (self.engine.flag("kv-cache-dtype").text or "auto").lower()
        dtype = (self.engine.flag("dtype").text or "").lower()
        element = 1.0 if cache.startswith(("fp8", "int8")) else _DTYPE_BITS.get(dtype, 16.0) / 8
        if cache != "auto" and element != 1.0 and cache not in {"bfloat16", "float16"}:
            return None
        return known.kv_bytes_per_token(element, self.engine.tensor_parallel)


def find(
    engine: Engine, env: dict[str, Field], uri: Field, measured_bytes: float | None
) -> Model | None:
    """The model of a container: its storage URI, or else what the arguments name."""
    positional = next(
        (after for word, after in zip(engine.words, engine.words[1:], strict=False)
         if word.text == "serve"),
        Field(),
    )  # fmt: skip
    flags = [engine.flag(name) for name in MODEL_FLAGS]
    variables = [env[name] for name in MODEL_VARIABLES if name in env]
    places = [uri, *flags, positional, *variables]
    named = [p for p in places if p.text and p.text.rstrip("/") not in _LOCAL and "$" not in p.text]
    sized = [p for p in named if architecture.parameters(p.text or "") is not None]
    place = next(iter(sized or named), uri)
    if not named and measured_bytes is None:
        return None
    return Model(place.text or "", place, engine, measured_bytes)
