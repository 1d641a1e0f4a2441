"""Every choice that the figures of benchmark ``coldstart`` depend on."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Inputs(BaseModel):
    """What is started, and how often.

    Args:
        model: The model's folder.
        engine: Engine arguments, the same for every peer.
        environment: Variables for every peer.
        runs: Counted starts of each side.
        runs_without_bytecode: Counted starts of plain vLLM as a fresh install has it.
        start_timeout_s: No start may take longer.
    """

    model_config = ConfigDict(frozen=True)

    model: Path
    engine: tuple[str, ...]
    environment: dict[str, str]
    runs: int = 5
    runs_without_bytecode: int = 2
    start_timeout_s: float = 240.0
