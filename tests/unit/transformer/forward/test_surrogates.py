"""Half a surrogate in a model's name is nobody's fault but its sender's."""

import pytest

from pilotlight.clock import SystemClock
from pilotlight_transformer.routing.breaker import Breakers
from tests.unit.transformer.fronting import CHAT, Front, request
from tests.unit.transformer.stub_predictor import StubPredictor, whole

HALF = b'{"model":"\\ud800","messages":[{"role":"user","content":"a"}]}'
ANSWER = b'{"id":"a","model":"\\ud800","choices":[{"index":0,"message":{"content":"x"}}]}'
ROUTE = '- route: {models: {other: {url: "http://127.0.0.1:PORT", model: theirs}}}'


@pytest.mark.parametrize("steps", [None, ROUTE])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, HALF),
        (CHAT, HALF.replace(b"\\ud800", b"\xed\xa0\x80")),
        ("/v1/models/%ED%A0%80:predict", b'{"instances":[1]}'),
        ("/v2/models/%ED%A0%80/infer", b'{"inputs":[]}'),
        ("/v1/models/\xed\xa0\x80:predict", b'{"instances":[1]}'),
    ],
)
async def test_half_a_surrogate_in_a_models_name_fails_alone(
    steps: str | None, path: str, body: bytes
) -> None:
    breakers = Breakers(SystemClock())
    async with StubPredictor(whole()) as predictor:
        yaml = steps and steps.replace("PORT", str(predictor.port))
        async with Front(predictor.target, yaml, health=breakers) as front:
            for _ in range(10):
                # Without a step nobody reads the body: it is the predictor's to refuse.
                assert (await front.send(request(path, body))).status < 500
            assert (await front.ask(body={"model": "m"})).status == 200
        assert breakers.closed(predictor.target.name)


@pytest.mark.parametrize("name", ["m", "other"])
async def test_half_a_surrogate_in_the_predictors_name_goes_out(name: str) -> None:
    breakers = Breakers(SystemClock())
    async with StubPredictor(whole(ANSWER)) as predictor:
        yaml = ROUTE.replace("PORT", str(predictor.port))
        async with Front(predictor.target, yaml, health=breakers) as front:
            for _ in range(10):
                answer = await front.ask(body={"model": name})
                assert (answer.status, answer.body.count(b"choices")) == (200, 1)
        assert breakers.closed(predictor.target.name)
        assert breakers.closed("other")
