"""The engine's own arguments, as vLLM reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pilotlight_manifests.lint.field import Field

SHORT = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "q": "quantization",
}
DEFAULT_GPU_MEMORY_UTILIZATION = 0.92
"""vLLM 0.32, ``CacheConfig.gpu_memory_utilization``."""

_THOUSANDS = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


class Server(Enum):
    """Who runs in the container."""

    VLLM = "vLLM"
    PILOTLIGHT = "Pilotlight's predictor"
    TRANSFORMER = "Pilotlight's transformer"
    HUGGINGFACE = "KServe's Hugging Face server"
    OTHER = "another server"

    @property
    def is_vllm(self) -> bool:
        """Certainly vLLM. KServe's Hugging Face server uses it for some models only."""
        return self in {Server.VLLM, Server.PILOTLIGHT}

    @property
    def streams(self) -> bool:
        """Whether it can answer piece by piece."""
        return self is not Server.OTHER


_MARKS = {
    Server.PILOTLIGHT: ("pilotlight-predictor", "pilotlight_predictor"),
    Server.TRANSFORMER: ("pilotlight-transformer", "pilotlight_transformer"),
    Server.HUGGINGFACE: ("huggingfaceserver",),
    Server.VLLM: ("vllm",),
}


@dataclass(frozen=True)
class Engine:
    """Arguments by their long name without dashes; the last one counts.

    Attributes:
        words: Those that are no arguments: the program, its sub-command, the model.
    """

    server: Server
    flags: dict[str, Field]
    words: tuple[Field, ...]

    def flag(self, *names: str) -> Field:
        """The first of these arguments that is given, or an absent field."""
        return next((self.flags[name] for name in names if name in self.flags), Field())

    @property
    def tensor_parallel(self) -> int:
        return self._count("tensor-parallel-size")

    @property
    def pipeline_parallel(self) -> int:
        return self._count("pipeline-parallel-size")

    @property
    def data_parallel(self) -> int:
        """Engines in this pod: the local ones, where the others run elsewhere."""
        if self.flag("data-parallel-size-local").given:
            return self._count("data-parallel-size-local")
        return self._count("data-parallel-size")

    @property
    def nodes(self) -> int:
        return self._count("nnodes")

    @property
    def sure(self) -> bool:
        """Whether the degrees of parallelism are numbers, and not a shell's variables."""
        names = (*SHORT.values(), "nnodes", "data-parallel-size-local")
        return all(
            (self.flag(name).integer or 0) >= 1
            for name in names
            if name != "quantization" and self.flag(name).given
        )

    @property
    def visible(self) -> bool:
        """Whether an argument that is not here is not given: no script, variable or file has it."""
        said = [*self.words, *self.flags.values()]
        hidden = any("$" in (word.text or "") for word in said) or self.flag("config").given
        return bool(self.flags) and not hidden

    @property
    def max_model_len(self) -> int | None:
        return human_number(self.flag("max-model-len").text)

    @property
    def max_num_seqs(self) -> int | None:
        return self.flag("max-num-seqs").integer

    @property
    def gpu_memory_utilization(self) -> float:
        try:
            share = float(self.flag("gpu-memory-utilization").text or "")
        except ValueError:
            return DEFAULT_GPU_MEMORY_UTILIZATION
        return share if 0 < share <= 1 else DEFAULT_GPU_MEMORY_UTILIZATION

    def _count(self, name: str) -> int:
        return max(self.flag(name).integer or 1, 1)


def human_number(text: str | None) -> int | None:
    """``32k`` is 32000 and ``32K`` 32768, as vLLM's command line reads them."""
    if not text or len(text) > 15:
        return None
    factor = _THOUSANDS.get(text[-1], 1)
    try:
        number = float(text[:-1] if text[-1] in _THOUSANDS else text) * factor
    except ValueError:
        return None
    return int(number) if 0 < number < 1e15 else None


def parse(server: Server, line: Sequence[Field]) -> Engine:
    """Read ``--flag=value``, ``--flag value`` and ``-tp 4``; underscores count as dashes."""
    flags: dict[str, Field] = {}
    others: list[Field] = []
    rest = list(line)
    while rest:
        word = rest.pop(0)
        text = word.text or ""
        if not text.startswith("-") or not text.strip("-"):
            others.append(word)
            continue
        name, equals, value = text.partition("=")
        long = name.startswith("--")
        name = name.lstrip("-").replace("_", "-").lower()
        name = name if long else SHORT.get(name, name)
        if not equals and rest and not (rest[0].text or "").startswith("-"):
            value = rest.pop(0).text or ""
        flags[name] = Field(word.line, value, given=True)
    return Engine(server, flags, tuple(others))


def server_of(image: str, line: Sequence[Field]) -> Server:
    """Who runs, by the names of image and runtime and by the command line."""
    said = " ".join([image, *(word.text or "" for word in line)]).lower()
    for server, marks in _MARKS.items():
        if any(mark in said for mark in marks):
            return server
    return Server.OTHER
