"""Requests that a client sends ahead, before the one in front is answered."""

from tests.unit.transformer.fronting import Front, lines, request
from tests.unit.transformer.stub_predictor import StubPredictor


async def test_any_number_of_requests_that_are_answered_at_once_is_answered() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.write(request(body={}) + request("/") * 400)
        assert [(await client.answer()).status for _ in range(401)] == [200] * 401
        client.write(request("/") * 1500)
        assert [(await client.answer()).status for _ in range(1500)] == [200] * 1500


async def test_any_number_of_offers_to_upgrade_is_passed_over() -> None:
    offer = lines("GET / HTTP/1.1", "host: front", "connection: upgrade", "upgrade: h2c")
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.write(offer * 600)
        assert [(await client.answer()).status for _ in range(600)] == [200] * 600
