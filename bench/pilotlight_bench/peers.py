"""The command lines that are compared."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotlight_bench.server import Launch

MODEL_NAME = "smollm2"

# Explicit where the two servers could have defaults of their own.
ENGINE_ARGS = (
    "--dtype float32 --enforce-eager --max-model-len 2048 --kv-cache-memory-bytes 1073741824 "
    "--max-num-seqs 128 --max-num-batched-tokens 2048"
)

# By default vLLM keeps one core free of its CPU worker: on two cores that is half the machine.
ENVIRONMENT = {"VLLM_CPU_NUM_OF_RESERVED_CPU": "0", "PYTHONDONTWRITEBYTECODE": ""}

PLAIN_COMMAND = (
    sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", "{model}",
    "--served-model-name", "{name}", "--port", "{port}", "{engine}",
    "--disable-uvicorn-access-log", "{own}",
)  # fmt: skip

PILOTLIGHT_COMMAND = (
    sys.executable, "-m", "pilotlight_predictor", "--model_name={name}", "--model_dir={model}",
    "--http_port={port}", "--enable_grpc=false", "--drain-delay-s=0", "{engine}", "{own}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the servers compared.

    Args:
        name: What tables call it.
        command: Argument vector with {model}, {name}, {port} inside words, and {engine} and
            {own} as words that several arguments replace.
        own: Arguments of this peer alone.
    """

    name: str
    command: Sequence[str]
    own: Sequence[str] = ()

    def launch(
        self, model: Path, port: int, engine: Sequence[str], environment: dict[str, str]
    ) -> Launch:
        """How to start it.

        Args:
            model: The model's folder.
            port: Where it shall listen.
            engine: Engine arguments, the same for all peers.
            environment: Variables on top of the caller's.
        """
        several = {"{engine}": engine, "{own}": self.own}
        one = {"model": str(model), "port": str(port), "name": MODEL_NAME}
        words = (
            word
            for template in self.command
            for word in several.get(template, (_fill(template, one),))
        )
        return Launch(self.name, tuple(words), port, environment)


def _fill(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template
