"""Predictors behind TLS: spoken to if their certificate is good, and not otherwise."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pilotlight.certificates import authority, issue
from pilotlight_transformer.pipeline.target import Target
from tests.unit.transformer.fronting import Front
from tests.unit.transformer.stub_predictor import StubPredictor, stream

NAME = "llm-predictor.team"
DAY = timedelta(days=1)


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's."""
    now = datetime.now(UTC)
    ours = authority("ours", now, DAY)
    signed = issue(ours, "predictor", now, DAY, hosts=[NAME])
    (folder / "server.pem").write_bytes(signed.certificate + signed.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=ours.certificate.decode())


async def test_a_predictor_with_a_good_certificate_is_asked(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    async with StubPredictor(stream("a", "b"), tls=server) as stub:
        target = Target("predictor", "127.0.0.1", stub.port, authority=f"{NAME}:443")
        async with Front(target, tls=client) as front:
            for _ in range(2):
                assert (await front.ask(body={"stream": True})).events[-1] == "[DONE]"
            assert stub.last.header("host") == f"{NAME}:443"
            assert stub.connections == 1


async def test_a_predictor_of_another_name_or_authority_is_told_nothing(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    async with StubPredictor(tls=server) as stub:
        for name, context in (("other", client), (NAME, ssl.create_default_context())):
            target = Target("predictor", "127.0.0.1", stub.port, authority=name)
            async with Front(target, tls=context) as front:
                answer = await front.ask(body={"secret": 1})
                assert answer.status == 503
        assert stub.requests == []
