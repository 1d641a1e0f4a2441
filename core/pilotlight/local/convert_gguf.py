"""Convert a quantized GGUF file to float16 safetensors: ``python -m … SOURCE TARGET``.

Prints one line per step. The only module outside the predictor that imports the model libraries.
"""

import json
import os
import sys
from pathlib import Path

TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ["HF_HUB_OFFLINE"] = "1"
    _say("importing torch and transformers")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    _say("reading the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    _say("dequantizing the weights")
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float16,
    )
    _say("writing safetensors")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    _simplify_generation_config(target / "generation_config.json")
    for file in target.iterdir():
        file.chmod(0o644)


def _simplify_generation_config(file: Path) -> None:
    """Keep the token ids only: servers take every other field as a default for sampling."""
    config = json.loads(file.read_text())
    kept = {name: config[name] for name in TOKEN_IDS if name in config}
    file.write_text(json.dumps(kept, indent=2) + "\n")


def _say(step: str) -> None:
    sys.stdout.write(f"{step}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
