"""Every choice that the figures of ``coldstart`` and ``coldstart-cluster`` depend on."""

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


class ClusterInputs(BaseModel):
    """What is started on a cluster, and how often.

    Args:
        namespace: Where the services are put.
        image: Of both servers.
        storage_uri: The model, as KServe reads it.
        model: The name under which it is served.
        engine: Engine arguments, the same for both.
        environment: Variables for both.
        runs: Counted starts of each side.
        prompt: Of the request that wakes them.
        tokens: Length of its answer.
        start_timeout_s: No request may take longer; also what the services promise (KServe's
            ``timeout``).
    """

    model_config = ConfigDict(frozen=True)

    namespace: str
    image: str
    storage_uri: str
    model: str
    engine: tuple[str, ...]
    environment: dict[str, str]
    runs: int = 5
    prompt: str = "The capital of France is"
    tokens: int = 8
    start_timeout_s: int = 600
