"""What a predictor is started with: KServe's arguments, our own, and the rest for vLLM."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from pilotlight.errors import UsageError
from pilotlight.server_settings import (
    DRAIN_DELAY_OUTSIDE_KNATIVE_S,
    ServerParser,
    ServerSettings,
    flag,
    flags,
    given,
)

KSERVE_MODEL_DIR = Path("/mnt/models")
"""Where KServe's storage initializer puts a model (kserve ``constants.go``)."""

_REFUSED = {
    "port": "use --http_port",
    "host": "use --http_host",
    "uds": "use --http_port",
    "grpc": "use --enable_grpc",
    "api-server-count": "use more replicas of the InferenceService",
    "headless": "use KServe's workerSpec",
    "event-loop": "the event loop is always uvloop",
    "enable-docs-url": "the routes are in docs/protocols.md",
    "configure-logging": "use --log-level and --log-format",
    "access-log-format": "use --enable_latency_logging",
    "predictor-host": "it is a transformer's",
    "predictor-protocol": "it is a transformer's",
    "predictor-use-ssl": "it is a transformer's",
    "predictor-request-timeout-seconds": "it is a transformer's",
    "predictor-request-retries": "it is a transformer's",
    "enable-predictor-health-check": "it is a transformer's",
}
"""Arguments of vLLM's and KServe's servers that have no effect here, and why."""


class PredictorSettings(ServerSettings):
    """Everything that a predictor reads once at its start.

    Each field is an argument (``--name`` with dashes or underscores) and, for those that
    KServe does not define, an environment variable ``PILOTLIGHT_<NAME>``.
    """

    model_name: str = Field("model", min_length=1, description="Name of the model in every route.")
    model_dir: Path | None = Field(
        None, description=f"Folder of the model's files; {KSERVE_MODEL_DIR} when it exists."
    )
    http_host: str = Field("0.0.0.0", description="Address of the HTTP port.")  # noqa: S104
    http_port: int = Field(8080, ge=0, le=65535, description="HTTP port; 0 takes a free one.")
    grpc_port: int = Field(8081, ge=0, le=65535, description="gRPC port (V2 protocol).")
    enable_grpc: bool = Field(True, description="Serve the V2 protocol over gRPC.")
    workers: int = Field(1, ge=0, le=1, description="One engine has one server: only 1 (or 0).")
    max_threads: int = Field(4, ge=1, le=64, description="Threads of the gRPC server.")
    max_asyncio_workers: int | None = Field(
        None,
        ge=1,
        description="Threads for what blocks in Python; as many as CPUs and 4, up to 32.",
    )
    enable_latency_logging: bool = Field(
        False, description="One log line for each request, with its status and time."
    )
    grpc_max_send_message_length: int = Field(
        8 * 2**20, ge=1024, description="Largest gRPC answer, bytes."
    )
    grpc_max_receive_message_length: int = Field(
        8 * 2**20, ge=1024, description="Largest gRPC request, bytes."
    )
    ssl_certfile: Path | None = Field(None, description="Certificate for HTTPS.")
    ssl_keyfile: Path | None = Field(None, description="Key for HTTPS.")
    timeout_keep_alive: int = Field(
        65, ge=1, description="Seconds that an idle connection is kept; more than the proxy's."
    )

    drain_delay_s: float = Field(
        DRAIN_DELAY_OUTSIDE_KNATIVE_S,
        ge=0,
        description="Seconds in which new requests are still accepted after SIGTERM "
        "(0 under Knative, whose queue-proxy has already waited).",
    )
    grace_period_s: float = Field(
        300.0, ge=0, description="Seconds after SIGTERM in which running requests may end."
    )
    start_timeout_s: float = Field(
        1800.0, gt=0, description="Seconds after which a start that hangs is given up."
    )
    header_timeout_s: float = Field(10.0, gt=0, description="Seconds for a request's headers.")
    body_timeout_s: float = Field(30.0, gt=0, description="Seconds for a request's body.")
    max_body_bytes: int = Field(8 * 2**20, ge=1024, description="Largest request body, bytes.")
    max_queue_tokens: int | None = Field(
        None, ge=1, description="Prompt and expected output tokens that may wait; 4x the KV cache."
    )
    max_queue_wait_s: float = Field(
        30.0, gt=0, description="A request expected to wait longer gets 429."
    )
    batch_share: float = Field(
        0.1, ge=0, lt=1, description="Share of tokens that batch requests get at the least."
    )
    tenant_header: str = Field("x-tenant-id", description="Header that names the tenant.")
    stuck_after_s: float = Field(
        60.0, gt=0, description="Liveness fails after so many seconds of work without a step."
    )
    warmup: bool = Field(True, description="Generate once at the served shapes before ready.")
    admin_token: str | None = Field(
        None,
        min_length=16,
        repr=False,
        description="Bearer token of the admin routes; off if unset.",
    )
    lora_root: tuple[Path, ...] = Field(
        (), description="Folders from which adapters may be loaded at run time."
    )
    gpu_max_temperature_c: int = Field(92, ge=30, description="Readiness fails above it.")
    gpu_min_free_bytes: int = Field(
        64 * 2**20, ge=0, description="Readiness fails with less GPU memory free."
    )
    gpu_poll_s: float = Field(5.0, gt=0, description="Seconds between GPU health readings.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Log level.")
    log_format: str = Field("json", pattern="^(json|text)$", description="json or text.")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("--ssl_certfile and --ssl_keyfile are needed together")
        return self


def _parser() -> ServerParser:
    parser = ServerParser(
        prog="pilotlight_predictor",
        allow_abbrev=False,
        description="Serve one model with vLLM behind KServe's protocols. "
        "Every other argument goes to vLLM (see its engine arguments).",
    )
    for name, field in PredictorSettings.model_fields.items():
        options: dict[str, Any] = {"dest": name, "default": None, "help": field.description}
        if field.annotation is bool and not name.startswith("enable_"):
            options["action"] = argparse.BooleanOptionalAction
        elif name == "lora_root":
            options["action"] = "append"
        parser.add_argument(*flags(name), **options)
    return parser


def parse_arguments(
    argv: Sequence[str], environment: Mapping[str, str] | None = None
) -> tuple[PredictorSettings, list[str]]:
    """Split a command line into our settings and vLLM's arguments.

    Args:
        argv: Arguments without the program's name.
        environment: Only asked whether Knative runs this process; ``os.environ`` if absent.

    Returns:
        The settings and the arguments left for vLLM, the model's included.

    Raises:
        UsageError: An argument of ours is wrong; the message names it.
    """
    environment = os.environ if environment is None else environment
    known, rest = _parser().parse_known_args(list(argv))
    try:
        settings = PredictorSettings(**given(known, environment))
    except ValidationError as error:
        raise UsageError(_first_fault(error)) from None
    return settings, _vllm_arguments(settings, rest)


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    # A secret that is too short is a secret all the same.
    shown = PredictorSettings.model_fields[name].repr
    return f"{flag(name)}: {first['msg']}" + (f" (got {first['input']!r})" if shown else "")


def _vllm_arguments(settings: PredictorSettings, rest: list[str]) -> list[str]:
    names = {
        part.split("=", 1)[0].lstrip("-").replace("_", "-") for part in rest if part[:1] == "-"
    }
    for name, why in _REFUSED.items():
        if name in names:
            raise UsageError(f"--{name} is not taken here: {why}")
    return [*rest, *_model_argument(settings, names), *_served_name(settings, names)]


def _model_argument(settings: PredictorSettings, names: set[str]) -> list[str]:
    folder = settings.model_dir
    if "model" in names:
        if folder is not None:
            raise UsageError("--model and --model_dir both name the model: give one of them")
        return []
    if folder is None:
        if not KSERVE_MODEL_DIR.is_dir():
            raise UsageError(
                f"no model: give --model_dir FOLDER or --model NAME, or mount one at "
                f"{KSERVE_MODEL_DIR} (STORAGE_URI)"
            )
        folder = KSERVE_MODEL_DIR
    if not folder.is_dir():
        raise UsageError(f"--model-dir: there is no folder {folder}")
    if not (folder / "config.json").is_file() and not any(folder.glob("*.gguf")):
        raise UsageError(f"--model-dir: {folder} holds no config.json: not a model's folder")
    return ["--model", str(folder)]


def _served_name(settings: PredictorSettings, names: set[str]) -> list[str]:
    return [] if "served-model-name" in names else ["--served-model-name", settings.model_name]
