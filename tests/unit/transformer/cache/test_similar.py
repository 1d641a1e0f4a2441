"""Similar questions share an answer, if a person has said so, and never beyond their group."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import Unavailable
from pilotlight_transformer.caching.settings import SemanticSettings
from pilotlight_transformer.caching.similar import Similar
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.target import Target
from tests.unit.transformer.cache.kit import a_question, playing, step_of, tenant, x_cache
from tests.unit.transformer.playing import Play, PlayedPredictor, a_call, chat_answer, chat_stream

VECTORS = {
    "how tall is it": [1.0, 0.0],
    "how tall is it?": [0.99, 0.05],
    "how tall is it!": [0.99, 0.04],
    "who built it": [0.0, 1.0],
    "broken": [0.0, 0.0],
}


def _embed(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    assert path == "/v1/embeddings"
    assert document["model"] == "e"
    return {"data": [{"embedding": VECTORS[document["input"]]}]}


def _play(folder: Path, scope: str = "tenant", **settings: object) -> Play:
    predictor = PlayedPredictor(
        lambda call: chat_stream("high") if call.stream else chat_answer("high"), own=_embed
    )
    semantic = {"model": "e", "threshold": 0.9, **settings}
    return playing(folder, predictor, scope=scope, semantic=semantic)


async def test_it_is_off_by_default(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await play.ask(a_question("how tall is it"))
        assert x_cache(await play.ask(a_question("how tall is it?"))) == "miss"
        assert not play.predictor.questions


@pytest.mark.parametrize("stream", [False, True])
async def test_a_similar_question_gets_the_kept_answer_and_is_noted(
    tmp_path: Path, stream: bool
) -> None:
    async with _play(tmp_path) as play:
        first = await play.ask(a_question("how tall is it", stream=stream))
        call = a_call(a_question("how tall is it?", stream=stream))
        second = await play.send(call)
        assert (x_cache(second), call.facts.cache) == ("similar", "similar")
        assert second.body == first.body
        (decision,) = call.decisions
        assert decision.why.startswith("similarity 0.99")
        similar = step_of(play).similar
        assert similar is not None
        (pair,) = similar.pairs
        assert pair.similarity > 0.99
        assert "tall" not in repr(pair)


async def test_an_unlike_question_is_asked(tmp_path: Path) -> None:
    async with _play(tmp_path) as play:
        await play.ask(a_question("how tall is it"))
        assert x_cache(await play.ask(a_question("who built it"))) == "miss"


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 5},
        {"model": "other"},
        {"temperature": 0, "seed": 1},
        {"stream": True},
        {
            "messages": [
                {"role": "system", "content": "lie"},
                {"role": "user", "content": "how tall is it?"},
            ]
        },
    ],
)
async def test_what_else_was_asked_must_be_the_same(
    tmp_path: Path, more: dict[str, object]
) -> None:
    async with _play(tmp_path) as play:
        await play.ask(a_question("how tall is it"))
        assert x_cache(await play.ask({**a_question("how tall is it?"), **more})) == "miss"


@pytest.mark.parametrize("scope", ["tenant", "everyone"])
async def test_it_never_crosses_tenants(tmp_path: Path, scope: str) -> None:
    async with _play(tmp_path, scope) as play:
        await play.ask(a_question("how tall is it"), identity=tenant("a"))
        other = await play.ask(a_question("how tall is it?"), identity=tenant("b"))
        assert x_cache(other) == "miss"
        assert play.predictor.asked[-1].identity == tenant("b")
        own = await play.ask(a_question("how tall is it!"), identity=tenant("a"))
        assert x_cache(own) == "similar"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": [{"type": "text", "text": "how tall is it?"}]}],
        [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "how tall is it?"},
        ],
        [{"role": "user", "content": "x" * 3_000}],
        ["how tall is it?"],
        [],
    ],
)
async def test_only_a_chat_of_one_question_is_looked_at(
    tmp_path: Path, messages: list[object]
) -> None:
    async with _play(tmp_path) as play:
        assert x_cache(await play.ask({**a_question(), "messages": messages})) == "miss"
        assert not play.predictor.questions


async def test_without_an_embedding_the_model_is_asked(tmp_path: Path) -> None:
    def refuse(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        raise Unavailable("no such model")

    async with _play(tmp_path) as play:
        for seed, own in enumerate((refuse, lambda *_: {}, lambda *_: {"data": [{}]})):
            play.predictor.own = own
            assert x_cache(await play.ask(a_question("who built it", seed=seed))) == "miss"
        play.predictor.own = _embed
        assert x_cache(await play.ask(a_question("broken"))) == "miss"


async def test_a_late_embedding_is_not_waited_for(tmp_path: Path) -> None:
    class Late(PlayedPredictor):
        async def ask(
            self,
            path: str,
            document: Mapping[str, Any],
            timeout_s: float,
            target: Target | None = None,
        ) -> dict[str, Any]:
            await asyncio.sleep(60)
            return {}

    settings = {"model": "e", "timeout_s": 0.01}
    predictor = Late(lambda call: chat_answer("high"))
    async with playing(tmp_path, predictor, semantic=settings) as play, asyncio.timeout(10):
        assert x_cache(await play.ask(a_question("who built it"))) == "miss"


async def test_a_similar_answer_is_bound_to_its_revision_and_age_too(tmp_path: Path) -> None:
    clock = SimulatedClock(1_000)
    predictor = PlayedPredictor(lambda call: chat_answer("high"), own=_embed)
    semantic = {"model": "e", "threshold": 0.9}
    async with playing(tmp_path, predictor, clock=clock, ttl_s=60, semantic=semantic) as play:
        await play.ask(a_question("how tall is it"))
        clock.advance(61)
        assert x_cache(await play.ask(a_question("how tall is it?"))) == "miss"


async def test_the_questions_are_bounded() -> None:
    similar = Similar(SemanticSettings(model="e", max_entries=3), PlayedPredictor(_never))
    for index in range(10):
        vector = await _vector(similar)
        similar.add(f"group {index % 4}", f"key {index}", vector)
    assert len(similar) == 3
    assert sum(len(group) for group in similar._groups.values()) == 3
    found = similar.nearest("group 1", await _vector(similar))
    assert found is not None
    assert found[0] == "key 9"


async def _vector(similar: Similar) -> Any:
    similar._predictor.own = lambda *_: {"data": [{"embedding": [3, 4]}]}  # type: ignore[attr-defined]
    return await similar.vector("x")


def _never(call: Call) -> Any:
    raise AssertionError
