"""What a transformer is started with: KServe's arguments and our own."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from pilotlight.errors import UsageError
from pilotlight.server_settings import (
    DRAIN_DELAY_OUTSIDE_KNATIVE_S,
    ServerParser,
    ServerSettings,
    flag,
    flags,
    given,
)
from pilotlight_transformer.forward.limits import UpstreamLimits
from pilotlight_transformer.http.limits import Limits
from pilotlight_transformer.pipeline.target import Target

DEFAULT_TARGET = "predictor"
"""Name of the predictor that a call asks which names no targets."""

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_PORTS = {"http": 80, "https": 443}


class TransformerSettings(ServerSettings):
    """Everything that a transformer reads once at its start.

    Each field is an argument (``--name`` with dashes or underscores) and, for those that KServe
    does not define, an environment variable ``PILOTLIGHT_<NAME>``.
    """

    model_name: str = Field("model", min_length=1, description="Name of the model.")
    predictor_host: str = Field(
        min_length=1, description="Host of the predictor, with :PORT if it is not 80."
    )
    predictor_protocol: str = Field(
        "v1",
        pattern="^(v1|v2|grpc-v2)$",
        description="KServe's; every route goes on as it came, so it changes nothing.",
    )
    predictor_use_ssl: bool = Field(False, description="Speak TLS to the predictors.")
    predictor_authority: str = Field(
        "", description="Header host for the predictor; what --predictor-host says by default."
    )
    http_host: str = Field("0.0.0.0", description="Address of the HTTP port.")  # noqa: S104
    http_port: int = Field(8080, ge=0, le=65535, description="HTTP port; 0 takes a free one.")
    grpc_port: int = Field(0, ge=0, le=65535, description="gRPC port (V2 protocol); 0: none.")
    predictor_grpc_host: str = Field(
        "", description="HOST:PORT of the predictor's gRPC; needed with --grpc-port."
    )
    workers: int = Field(
        1, ge=0, description="Processes; 0: one for each core. Never more than there are cores."
    )
    pipeline: Path | None = Field(None, description="File with the pipeline's YAML.")
    reload_s: float = Field(
        1.0, ge=0, description="Seconds between looks at the pipeline's file; 0: never again."
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

    header_timeout_s: float = Field(10.0, gt=0, description="Seconds for a request's headers.")
    body_timeout_s: float = Field(
        10.0, gt=0, description="Seconds between two pieces of a request's body."
    )
    body_total_timeout_s: float = Field(
        60.0, gt=0, description="Seconds for the whole of a request's body."
    )
    keep_alive_timeout_s: float = Field(
        75.0, gt=0, description="Seconds that a client's idle connection is kept."
    )
    send_timeout_s: float = Field(
        60.0, gt=0, description="Seconds after which a client is cut that takes nothing."
    )
    max_header_bytes: int = Field(64 * 2**10, ge=1024, description="Largest head of a request.")
    max_body_bytes: int = Field(8 * 2**20, ge=1024, description="Largest body of a request.")
    max_held_body_bytes: int = Field(
        512 * 2**20,
        ge=1024,
        description="Bodies that one worker holds together, until their calls end.",
    )
    max_connections: int = Field(
        10_000, ge=1, description="Clients' connections of one worker, open at once."
    )

    connect_timeout_s: float = Field(
        5.0, gt=0, description="Seconds for a connection to a predictor."
    )
    first_byte_timeout_s: float = Field(
        600.0, gt=0, description="Seconds until a predictor begins to answer."
    )
    chunk_timeout_s: float = Field(
        120.0, gt=0, description="Seconds between two pieces of a predictor's answer."
    )
    upstream_idle_s: float = Field(
        30.0, gt=0, description="Seconds that an idle connection to a predictor is kept."
    )
    max_upstream_connections: int = Field(
        4096, ge=1, description="Connections of one worker to one predictor, open at once."
    )
    max_waiting: int = Field(
        1024, ge=0, description="Requests of one worker that wait for such a connection."
    )
    max_wait_s: float = Field(10.0, gt=0, description="Seconds for which they do.")

    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Log level.")
    log_format: str = Field("json", pattern="^(json|text)$", description="json or text.")

    @field_validator("predictor_host")
    @classmethod
    def _has_host(cls, value: str) -> str:
        _split(value)
        return value

    @model_validator(mode="after")
    def _knows_where_grpc_goes(self) -> Self:
        if self.grpc_port and not self.predictor_grpc_host:
            raise ValueError(
                "--grpc-port: say where the predictor takes gRPC: --predictor-grpc-host HOST:PORT"
            )
        if self.predictor_grpc_host:
            _split(self.predictor_grpc_host)
        return self

    @model_validator(mode="after")
    def _holds_a_body(self) -> Self:
        if self.max_held_body_bytes < self.max_body_bytes:
            raise ValueError(
                "--max-held-body-bytes: one body of --max-body-bytes must fit in: raise it"
            )
        return self

    @property
    def use_tls(self) -> bool:
        """Whether the predictors are spoken to over TLS."""
        return self.predictor_use_ssl or _split(self.predictor_host)[0] == "https"

    def target(self) -> Target:
        """The predictor that a call asks which names no targets."""
        scheme, host, port = _split(self.predictor_host)
        if self.use_tls:
            scheme = "https"
        given = f"[{host}]" if ":" in host else host
        given = given if port is None else f"{given}:{port}"
        return Target(
            DEFAULT_TARGET, host, port or _PORTS[scheme], self.predictor_authority or given
        )

    @property
    def grpc_uses_tls(self) -> bool:
        """Whether the predictors are spoken to over TLS in gRPC."""
        if not self.predictor_grpc_host:
            return False
        return self.predictor_use_ssl or _split(self.predictor_grpc_host)[0] == "https"

    def grpc_target(self) -> str | None:
        """``host:port`` of the predictor's gRPC; ``None`` if gRPC is not served."""
        if not self.grpc_port:
            return None
        _, host, port = _split(self.predictor_grpc_host)
        given = f"[{host}]" if ":" in host else host
        return f"{given}:{port or _PORTS['https' if self.grpc_uses_tls else 'http']}"

    def worker_count(self, cores: int) -> int:
        """How many processes serve, on a machine with so many cores.

        KServe writes ``containerConcurrency`` here, which is a number of requests.
        """
        return cores if self.workers == 0 else min(self.workers, cores)

    def limits(self) -> Limits:
        """The bounds of the clients' side."""
        return Limits(
            head_bytes=self.max_header_bytes,
            body_bytes=self.max_body_bytes,
            held_body_bytes=self.max_held_body_bytes,
            head_s=self.header_timeout_s,
            body_silence_s=self.body_timeout_s,
            body_s=self.body_total_timeout_s,
            keep_alive_s=self.keep_alive_timeout_s,
            send_s=self.send_timeout_s,
            connections=self.max_connections,
        )

    def upstream_limits(self) -> UpstreamLimits:
        """The bounds of the predictors' side."""
        return UpstreamLimits(
            connect_s=self.connect_timeout_s,
            first_byte_s=self.first_byte_timeout_s,
            chunk_s=self.chunk_timeout_s,
            idle_s=self.upstream_idle_s,
            connections=self.max_upstream_connections,
            waiting=self.max_waiting,
            wait_s=self.max_wait_s,
        )


def _split(value: str) -> tuple[str, str, int | None]:
    parts = urlsplit(value if "://" in value else f"http://{value}")
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("give HOST, HOST:PORT, or http[s]://HOST[:PORT]")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("give HOST, HOST:PORT, or http[s]://HOST[:PORT]")
    if _HOST.fullmatch(parts.hostname) is None:
        raise ValueError(f"{parts.hostname!r} is no host's name")
    return parts.scheme, parts.hostname, parts.port


def _parser() -> ServerParser:
    parser = ServerParser(
        prog="pilotlight_transformer",
        allow_abbrev=False,
        description="Stand between clients and a predictor: KServe's transformer for OpenAI's and "
        "KServe's protocols.",
    )
    for name, field in TransformerSettings.model_fields.items():
        options: dict[str, Any] = {"dest": name, "default": None, "help": field.description}
        if field.annotation is bool:
            # KServe's own transformers take it with and without a value.
            options |= {"nargs": "?", "const": "true"}
        parser.add_argument(*flags(name), **options)
    return parser


def parse_arguments(
    argv: Sequence[str], environment: Mapping[str, str] | None = None
) -> TransformerSettings:
    """Read a command line.

    Args:
        argv: Arguments without the program's name.
        environment: Only asked whether Knative runs this process; ``os.environ`` if absent.

    Raises:
        UsageError: An argument is wrong or unknown; the message names it.
    """
    environment = os.environ if environment is None else environment
    known = _parser().parse_args(list(argv))
    try:
        return TransformerSettings(**given(known, environment))
    except ValidationError as error:
        raise UsageError(_first_fault(error)) from None


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{flag(name)} is missing: name the predictor to ask"
    return f"{flag(name)}: {message} (got {first['input']!r})"
