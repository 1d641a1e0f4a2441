"""A predictor whose model embeds: the same server, without generation."""

import base64
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
from openai import OpenAI

from tests.engine.predictor_process import MODEL_NAME, Predictor, launched

HIDDEN = 576


@pytest.fixture(scope="module")
def embedder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    folder = tmp_path_factory.mktemp("embedder")
    with launched(model, folder, "--runner=pooling", "--convert=embed") as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="module")
def client(embedder: Predictor) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{embedder.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def vectors(client: OpenAI, texts: list[str]) -> list[list[float]]:
    answer = client.embeddings.create(model=MODEL_NAME, input=texts, encoding_format="float")
    assert [item.index for item in answer.data] == list(range(len(texts)))
    return [item.embedding for item in answer.data]


def test_the_same_text_has_the_same_finite_vector(client: OpenAI) -> None:
    texts = ["The cat sat on the mat.", "Quarterly revenue grew.", "The cat sat on the mat."]
    first, other, again = vectors(client, texts)
    assert len(first) == len(other) == HIDDEN
    assert all(math.isfinite(value) for value in first + other)
    assert np.allclose(first, again, atol=1e-5)
    assert not np.allclose(first, other, atol=1e-2)
    assert np.allclose(first, vectors(client, texts[:1])[0], atol=1e-5)


def test_base64_holds_the_same_vector(client: OpenAI) -> None:
    answer = client.embeddings.with_raw_response.create(
        model=MODEL_NAME, input="text", encoding_format="base64"
    )
    encoded = answer.http_response.json()["data"][0]["embedding"]
    decoded = np.frombuffer(base64.b64decode(encoded), dtype="<f4")
    assert np.allclose(decoded, vectors(client, ["text"])[0], atol=1e-5)


def test_generation_is_refused(embedder: Predictor, client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.completions.create(model=MODEL_NAME, prompt="a")
    assert 400 <= caught.value.status_code < 500
    predicted = embedder.post(f"/v1/models/{MODEL_NAME}:predict", {"instances": ["a"]})
    assert predicted.status_code in {400, 404, 501}
    assert isinstance(predicted.json()["error"], str)


def test_a_text_over_the_context_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        vectors(client, ["word " * 4000])


def test_embeddings_leave_nothing_in_flight(embedder: Predictor, client: OpenAI) -> None:
    vectors(client, ["text"] * 20)
    assert embedder.metric("pilotlight_predictor_in_flight_requests") == 0
    deadline = time.monotonic() + 5  # the gauge is refreshed every tick
    while embedder.metric("pilotlight_predictor_running_requests") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert embedder.metric("pilotlight_predictor_running_requests") == 0
