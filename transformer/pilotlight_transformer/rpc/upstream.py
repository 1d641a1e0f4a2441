"""The predictors, asked over gRPC."""

import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc import aio

from pilotlight.errors import RequestError, Unavailable
from pilotlight.http_headers import REVISION
from pilotlight_transformer.forward.onward import deadline_of, onward_headers, past_deadline
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.rpc.metadata import headers_of, metadata_of
from pilotlight_transformer.rpc.status import error_of

GRPC = b"application/grpc"


def tls_credentials() -> grpc.ChannelCredentials:
    """To check certificates by the machine's authorities with, as over HTTP (``SSL_CERT_FILE``).

    Where the machine has no file of them, gRPC's own count.
    """
    authorities = ssl.get_default_verify_paths().cafile
    return grpc.ssl_channel_credentials(Path(authorities).read_bytes() if authorities else None)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a predictor refused, for a client that hears it unchanged."""

    error: RequestError
    code: grpc.StatusCode
    trailing: tuple[tuple[str, str | bytes], ...]


class Channels:
    """Open channels, one for each predictor.

    Args:
        default: ``host:port`` of the predictor, for calls that no step has sent elsewhere.
        authority: What it is called in ``:authority``; empty: by its address.
        max_message_bytes: Largest answer.
        credentials: To speak TLS with, or nothing; for every predictor.
    """

    def __init__(
        self,
        default: str,
        authority: str,
        max_message_bytes: int,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._default = (default, authority)
        self._credentials = credentials
        self._max = max_message_bytes
        self._open: dict[tuple[str, str], aio.Channel] = {}

    def of(self, target: Target | None) -> aio.Channel:
        """The channel to a predictor."""
        key = self._default
        if target is not None:
            key = (f"{target.host}:{target.port}", target.authority)
        if key not in self._open:
            self._open[key] = self._channel(*key)
        return self._open[key]

    async def ready(self, method: str, timeout_s: float) -> bytes:
        """Ask the default predictor whether it is ready.

        Raises:
            RequestError: It does not answer.
        """
        call = self.of(None).unary_unary(method)(b"", timeout=timeout_s)
        try:
            answer: bytes = await call
        except aio.AioRpcError as error:
            raise error_of(error.code(), error.details() or "") from None
        return answer

    async def close(self) -> None:
        """Close all of them."""
        while self._open:
            _, channel = self._open.popitem()
            await channel.close()

    def _channel(self, address: str, authority: str) -> aio.Channel:
        options: list[tuple[str, int | str]] = [
            ("grpc.max_receive_message_length", self._max),
            ("grpc.max_send_message_length", -1),
            # One predictor's connection is not another pipeline's.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if authority:
            options.append(("grpc.default_authority", authority))
        if self._credentials is not None:
            return aio.secure_channel(address, self._credentials, options=options)
        return aio.insecure_channel(address, options=options)


class GrpcUpstream:
    """Asks one call's predictor.

    Attributes:
        failure: Of the predictor that was asked last, if it refused.
    """

    def __init__(self, channels: Channels, method: str, longest_s: float) -> None:
        self._channels = channels
        self._method = method
        self._longest_s = longest_s
        self.failure: Failure | None = None

    async def ask(self, call: Call) -> Answer:
        """The first predictor's answer that can be reached: asking again changes nothing."""
        targets: tuple[Target | None, ...] = call.targets or (None,)
        for target in targets[:-1]:
            try:
                return await self._ask(call, target)
            except Unavailable:
                continue
        return await self._ask(call, targets[-1])

    async def _ask(self, call: Call, target: Target | None) -> Answer:
        now = time.monotonic()
        metadata = metadata_of(onward_headers(call, now, plain=True))
        deadline = deadline_of(call)
        timeout_s = self._longest_s if deadline is None else min(self._longest_s, deadline - now)
        if timeout_s <= 0:
            raise past_deadline()
        ask = self._channels.of(target).unary_unary(self._method)
        asked = ask(call.payload(), metadata=metadata, timeout=timeout_s)
        try:
            body: bytes = await asked
            headers = headers_of(await asked.initial_metadata() or ())
        except aio.AioRpcError as error:
            raise self._failed(error) from None
        call.facts.first_byte_at = time.monotonic()
        call.facts.upstream = "default" if target is None else target.name
        call.facts.revision = headers.text(REVISION)
        return Answer(200, Headers([(b"content-type", GRPC), *headers]), body)

    def _failed(self, failed: aio.AioRpcError) -> RequestError:
        error = error_of(failed.code(), failed.details() or "")
        self.failure = Failure(error, failed.code(), tuple(failed.trailing_metadata() or ()))
        return error
