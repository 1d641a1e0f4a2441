"""Architectures of models that many people serve, and what a name tells about any other.

Source of the table: ``config.json`` of each model's repository on the Hugging Face hub
(``num_hidden_layers``, ``num_attention_heads``, ``num_key_value_heads``, ``head_dim``) and the
parameter count that its safetensors index gives. Models whose layers differ among themselves
(sliding windows, latent attention, Mamba) are left out: one product does not describe their cache.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """A decoder whose layers are all alike."""

    parameters: float
    layers: int
    heads: int
    kv_heads: int
    head_size: int

    def kv_bytes_per_token(self, element_bytes: float, tensor_parallel: int = 1) -> float:
        """Keys and values of one token in all layers, over all GPUs of one engine.

        Beyond one GPU per KV head, heads are repeated (vLLM ``get_num_kv_heads``).
        """
        heads = max(self.kv_heads, tensor_parallel)
        return 2.0 * self.layers * heads * self.head_size * element_bytes


_TABLE: dict[str, tuple[float, int, int, int, int]] = {
    # A name that begins so (after the organisation), with its parameters in billions.
    r"(meta-)?llama-?3(\.1)?-8b": (8.03, 32, 32, 8, 128),
    r"(meta-)?llama-?3(\.[13])?-70b": (70.55, 80, 64, 8, 128),
    r"(meta-)?llama-?3\.1-405b": (405.85, 126, 128, 8, 128),
    r"llama-?3\.2-1b": (1.236, 16, 32, 8, 64),
    r"llama-?3\.2-3b": (3.213, 28, 24, 8, 128),
    r"llama-?2-7b": (6.738, 32, 32, 32, 128),
    r"llama-?2-13b": (13.016, 40, 40, 40, 128),
    r"llama-?2-70b": (68.977, 80, 64, 8, 128),
    r"deepseek-r1-distill-llama-8b": (8.03, 32, 32, 8, 128),
    r"deepseek-r1-distill-llama-70b": (70.55, 80, 64, 8, 128),
    r"mistral-7b-(instruct-)?v0\.[23]": (7.248, 32, 32, 8, 128),
    r"mixtral-8x7b": (46.703, 32, 32, 8, 128),
    r"mixtral-8x22b": (140.62, 56, 48, 8, 128),
    r"qwen2(\.5)?-0\.5b": (0.494, 24, 14, 2, 64),
    r"qwen2(\.5)?-1\.5b": (1.544, 28, 12, 2, 128),
    r"qwen2\.5-3b": (3.086, 36, 16, 2, 128),
    r"qwen2(\.5)?-7b": (7.616, 28, 28, 4, 128),
    r"qwen2\.5-14b": (14.77, 48, 40, 8, 128),
    r"qwen2\.5-32b": (32.764, 64, 40, 8, 128),
    r"qwen2(\.5)?-72b": (72.706, 80, 64, 8, 128),
    r"qwen3-8b": (8.191, 36, 32, 8, 128),
    r"qwen3-14b": (14.768, 40, 40, 8, 128),
    r"qwen3-32b": (32.762, 64, 64, 8, 128),
    r"phi-3-mini-4k": (3.821, 32, 32, 32, 96),
    r"opt-125m": (0.125, 12, 12, 12, 64),
    r"smollm2-135m": (0.1345, 30, 9, 3, 64),
}

_KNOWN = {re.compile(rf"{name}(?![a-z0-9.])"): Architecture(facts[0] * 1e9, *facts[1:])
          for name, facts in _TABLE.items()}  # fmt: skip

# "Qwen3-30B-A3B": the first number is the size, the one with an A counts active parameters.
_COUNT = re.compile(r"(?<![a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])")

_BITS = (
    (re.compile(r"(?<![a-z0-9])(awq|gptq|int4|4-?bits?|w4a16|nf4|nvfp4|mxfp4)(?![a-z0-9])"), 4.0),
    (re.compile(r"(?<![a-z0-9])(fp8|int8|8-?bits?|w8a8|w8a16)(?![a-z0-9])"), 8.0),
    # Published in these widths alone.
    (re.compile(r"gpt-oss"), 4.0),
    (re.compile(r"deepseek-(v3|r1(?!-distill))|kimi-k2"), 8.0),
)
_OTHER_FORMATS = re.compile(r"(?<![a-z0-9])(gguf|ggml|exl2|q[2-8](_[a-z0-9]+)*)(?![a-z0-9])")


def architecture(name: str) -> Architecture | None:
    """The architecture of a model by its path or URI, if it is known."""
    model = _model(name)
    return next((known for pattern, known in _KNOWN.items() if pattern.match(model)), None)


def parameters(name: str) -> float | None:
    """How many parameters a model has: of a known one, or at least as many as its name says.

    Names round: Llama-2-7B has 6.7 billion. Experts share layers: Mixtral-8x22B has 140.6.
    """
    known = architecture(name)
    if known is not None:
        return known.parameters
    match = _COUNT.search(_model(name))
    if match is None:
        return None
    experts, count, unit = match.groups()
    share = 0.79 if experts else 0.95
    return share * float(count) * float(experts or 1) * (1e9 if unit == "b" else 1e6)


def stored_bits(name: str) -> float | None:
    """Bits per parameter on disk as the name says; 16 when it says nothing, ``None`` for formats
    of many widths."""
    model = _model(name)
    if _OTHER_FORMATS.search(model):
        return None
    return next((bits for pattern, bits in _BITS if pattern.search(model)), 16.0)


def _model(name: str) -> str:
    """``hf://meta-llama/Llama-3.1-8B:main`` is ``llama-3.1-8b``: the last part that has a size."""
    path = name.lower().partition("://")[2] or name.lower()
    parts = [part for part in re.split(r"[/:@]", path.replace("_", "-")) if part]
    sized = [part for part in parts if _COUNT.search(part)]
    return (sized or parts or [""])[-1]
