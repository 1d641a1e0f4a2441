"""A tiny LoRA adapter in PEFT's format, made on the spot for whatever Llama-like model there is."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

TARGETS = ("q_proj", "v_proj")


def write_lora_adapter(
    model: Path, folder: Path, *, rank: int = 8, size: float = 0.15, seed: int = 0
) -> Path:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``.

    Args:
        model: The model's folder; its ``config.json`` gives the shapes.
        folder: Where the adapter goes; it is made.
        rank: Of the update matrices.
        size: Standard deviation of the weights. On SmolLM2-135M 0.05 leaves greedy answers as
            they are, 0.15 changes them and 0.4 makes them noise.
        seed: Another seed is another adapter.

    Returns:
        ``folder``.
    """
    config = json.loads((model / "config.json").read_text())
    hidden = config["hidden_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    heads = {"q_proj": "num_attention_heads", "v_proj": "num_key_value_heads"}
    generator = torch.Generator().manual_seed(seed)

    def weights(rows: int, columns: int) -> torch.Tensor:
        return torch.randn(rows, columns, generator=generator) * size

    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for target in TARGETS:
            prefix = f"base_model.model.model.layers.{layer}.self_attn.{target}"
            tensors[f"{prefix}.lora_A.weight"] = weights(rank, hidden)
            tensors[f"{prefix}.lora_B.weight"] = weights(config[heads[target]] * head, rank)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(_peft_config(str(model), rank)))
    return folder


def _peft_config(model: str, rank: int) -> dict[str, object]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": model,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "target_modules": list(TARGETS),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
