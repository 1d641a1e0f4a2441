"""Predictors behind TLS: asked if their certificate is good, and told nothing otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode, aio

from pilotlight.certificates import authority, issue
from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.rpc.front import GrpcFront
from pilotlight_transformer.rpc.upstream import tls_credentials
from tests.unit.transformer.redis_server import free_port
from tests.unit.transformer.rpc.playing import ANSWER, SERVICE, GrpcPredictor
from tests.unit.transformer.served import Served

NAME = "llm-predictor.team"
INFER = (SERVICE + "ModelInfer", b"\x0a\x01m")


def certified(authorities: Path) -> grpc.ServerCredentials:
    """Of a server called :data:`NAME`; who signed its certificate is written down."""
    now, day = datetime.now(UTC), timedelta(days=1)
    ours = authority("ours", now, day)
    signed = issue(ours, "predictor", now, day, hosts=[NAME])
    authorities.write_bytes(ours.certificate)
    return grpc.ssl_server_credentials([(signed.key, signed.certificate)])


@asynccontextmanager
async def predictor(authorities: Path) -> AsyncIterator[GrpcPredictor]:
    """One behind TLS."""
    asked = GrpcPredictor()
    server = aio.server(handlers=(asked,))
    asked.port = server.add_secure_port("127.0.0.1:0", certified(authorities))
    await server.start()
    try:
        yield asked
    finally:
        await server.stop(0)


async def infer(
    asked: GrpcPredictor, name: str, credentials: grpc.ChannelCredentials | None
) -> bytes:
    """What a client gets of a transformer that asks the predictor by that name."""
    front = GrpcFront(
        0,
        f"127.0.0.1:{asked.port}",
        InFlight(Pipeline(())),
        host="127.0.0.1",
        authority=name,
        credentials=credentials,
    )
    await front.start()
    try:
        async with aio.insecure_channel(f"127.0.0.1:{front.port}") as channel:
            method, message = INFER
            answer: bytes = await channel.unary_unary(method)(message, timeout=10)
            return answer
    finally:
        await front.drain(0)


@pytest.mark.parametrize("name", [NAME, f"{NAME}:443"])
async def test_a_predictor_with_a_good_certificate_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with predictor(tmp_path / "ca.pem") as asked:
        assert await infer(asked, name, tls_credentials()) == ANSWER


async def test_a_predictor_of_another_name_or_authority_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with predictor(tmp_path / "ca.pem") as asked:
        of_others = grpc.ssl_channel_credentials()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        for name, credentials in (
            ("other", tls_credentials()),
            (NAME, of_others),
            (NAME, None),
        ):
            with pytest.raises(aio.AioRpcError) as caught:
                await infer(asked, name, credentials)
            assert caught.value.code() is StatusCode.UNAVAILABLE
        assert asked.asked == []


async def test_a_process_asks_over_tls_if_the_predictors_host_says_https(tmp_path: Path) -> None:
    port = free_port()
    async with (
        predictor(tmp_path / "ca.pem") as asked,
        Served(
            asked.port,
            f"--predictor-grpc-host=https://127.0.0.1:{asked.port}",
            f"--predictor-authority={NAME}",
            f"--grpc-port={port}",
            SSL_CERT_FILE=str(tmp_path / "ca.pem"),
        ),
        aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        method, message = INFER
        assert await channel.unary_unary(method)(message, timeout=10) == ANSWER
