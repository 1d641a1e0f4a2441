"""A rollout's new revision never answers from the old one's cache."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.caching.entry import Origin
from pilotlight_transformer.caching.revisions import MAX_ORIGINS, MAX_REVISIONS, Revisions
from pilotlight_transformer.pipeline.answer import Answer
from tests.unit.transformer.cache.kit import (
    Held,
    Running,
    a_question,
    of_revision,
    playing,
    step_of,
    until,
    x_cache,
)
from tests.unit.transformer.playing import Play, PlayedPredictor, chat_answer, chat_stream
from tests.unit.transformer.redis_server import RedisServer

ORIGIN = Origin("", "m")


class Rollout:
    """A predictor of which a test says what revision answers."""

    def __init__(self) -> None:
        self.revision = "r1"
        self.predictor = PlayedPredictor(lambda call: self._answer(stream=call.stream))

    def _answer(self, *, stream: bool) -> Answer:
        answer = chat_stream(self.revision) if stream else chat_answer(self.revision)
        return of_revision(answer, self.revision)


async def _ask(play: Play, text: str = "hello", **more: object) -> str | None:
    return x_cache(await play.ask(a_question(text, **more)))  # type: ignore[arg-type]


async def test_after_the_new_revisions_first_answer_the_old_ones_are_not_given(
    tmp_path: Path,
) -> None:
    rollout, clock = Rollout(), SimulatedClock(1_000)
    async with playing(tmp_path, rollout.predictor, clock=clock) as play:
        assert [await _ask(play), await _ask(play)] == ["miss", "hit"]
        rollout.revision = "r2"
        assert await _ask(play, "another") == "miss"
        client = await play.ask(a_question())
        assert x_cache(client) == "miss"
        assert client.document["choices"][0]["message"]["content"] == "r2"


async def test_a_refusal_or_an_answer_past_the_cache_tells_of_the_new_revision_too(
    tmp_path: Path,
) -> None:
    rollout = Rollout()
    async with playing(tmp_path, rollout.predictor) as play:
        assert [await _ask(play), await _ask(play)] == ["miss", "hit"]
        rollout.revision = "r2"
        assert await _ask(play, temperature=1) == "bypass"
        assert await _ask(play) == "miss"
        play.predictor.reply = lambda call: of_revision(Answer.of({"error": {}}, 500), "r3")
        assert await _ask(play, "bad") == "miss"
        assert step_of(play)._shelf.revisions.answering(ORIGIN, play.clock.time()) == {
            "r1",
            "r2",
            "r3",
        }


async def test_while_two_revisions_answer_nothing_kept_is_given(tmp_path: Path) -> None:
    rollout, clock = Rollout(), SimulatedClock(1_000)
    async with playing(tmp_path, rollout.predictor, clock=clock) as play:
        await _ask(play)
        for revision in ("r2", "r1") * 5:
            rollout.revision = revision
            await _ask(play, temperature=1)
            clock.advance(5)
            assert await _ask(play) == "miss"


async def test_the_one_that_is_left_answers_from_its_own(tmp_path: Path) -> None:
    rollout, clock = Rollout(), SimulatedClock(1_000)
    async with playing(tmp_path, rollout.predictor, clock=clock, revision_memory_s=60) as play:
        await _ask(play)
        rollout.revision = "r2"
        await _ask(play, "another")
        clock.advance(59)
        assert await _ask(play) == "miss"
        # The first one was seen for the last time 61 s ago, the second one just now.
        clock.advance(2)
        assert await _ask(play) == "hit"


async def test_a_revision_is_confirmed_by_a_fresh_answer_now_and_then(tmp_path: Path) -> None:
    rollout, clock = Rollout(), SimulatedClock(1_000)
    async with playing(tmp_path, rollout.predictor, clock=clock, revision_memory_s=60) as play:
        results = []
        for _ in range(12):
            results.append(await _ask(play))
            clock.advance(10)
        assert results == (["miss"] + ["hit"] * 5) * 2


async def test_hits_do_not_keep_a_revision_alive(tmp_path: Path) -> None:
    rollout, clock = Rollout(), SimulatedClock(1_000)
    async with playing(tmp_path, rollout.predictor, clock=clock, revision_memory_s=60) as play:
        await _ask(play)
        for _ in range(5):
            clock.advance(11)
            assert await _ask(play) == "hit"
        rollout.revision = "r2"
        clock.advance(11)
        client = await play.ask(a_question())
        assert client.document["choices"][0]["message"]["content"] == "r2"


async def test_models_do_not_disturb_each_other(tmp_path: Path) -> None:
    rollout = Rollout()
    async with playing(tmp_path, rollout.predictor) as play:
        await _ask(play)
        rollout.revision = "other-00001"
        await _ask(play, model="other")
        assert await _ask(play) == "hit"


async def test_replicas_share_answers_and_what_they_know_of_revisions(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    rollout, url = Rollout(), redis_server.url
    one = playing(tmp_path / "1", rollout.predictor, redis=url, namespace="rollout")
    two = playing(tmp_path / "2", rollout.predictor, redis=url, namespace="rollout")
    async with one, two:
        for stream in (False, True):
            assert await _ask(one, stream=stream) == "miss"
            assert await _ask(two, stream=stream) == "hit"
            assert await _ask(one, stream=stream) == "hit"
        rollout.revision = "r2"
        assert await _ask(one, "another") == "miss"
        await until(lambda: not step_of(one)._telling)
        # The second replica has r1's answer in its memory, and has not seen r2 itself.
        assert await _ask(two) == "miss"
        assert await _ask(two, stream=True) == "miss"


async def test_a_new_revision_seen_in_a_stream_is_told_before_the_stream_ends(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    rollout, held, url = Rollout(), Held(), redis_server.url
    one = playing(tmp_path / "1", rollout.predictor, redis=url, namespace="streams")
    two = playing(tmp_path / "2", rollout.predictor, redis=url, namespace="streams")
    async with one, two:
        assert [await _ask(two), await _ask(two)] == ["miss", "hit"]
        one.predictor = PlayedPredictor(lambda call: of_revision(held.answer(), "r2"))
        running = Running(one, a_question("long", stream=True))
        held.say("x")
        await until(lambda: bool(running.client.body))
        await until(lambda: not step_of(one)._telling)
        assert await _ask(two) == "miss"
        held.finish()
        await running.ended()


_STEPS = st.lists(
    st.tuples(st.sampled_from(["r1", "r2", "r3"]), st.floats(0, 50)), min_size=1, max_size=20
)


@given(_STEPS, st.sampled_from(["r1", "r2", "r3"]), st.floats(0, 100))
def test_a_kept_answer_is_given_only_while_its_revision_alone_was_seen(
    steps: list[tuple[str, float]], asked: str, later: float
) -> None:
    revisions, now, seen = Revisions(60), 0.0, []
    for revision, after in steps:
        now += after
        revisions.see(ORIGIN, revision, now)
        seen.append((revision, now))
    now += later
    recent = {revision for revision, at in seen if now - at < 60}
    assert revisions.may_answer(ORIGIN, asked, now) == (recent == {asked})


def test_what_is_known_of_revisions_is_bounded() -> None:
    revisions = Revisions(60)
    for index in range(MAX_ORIGINS + 10):
        revisions.see(Origin("", f"m{index}"), "r", 0)
    assert len(revisions._seen) == MAX_ORIGINS
    for index in range(MAX_REVISIONS + 10):
        revisions.see(ORIGIN, f"r{index}", index)
    assert len(revisions._seen[ORIGIN]) == MAX_REVISIONS
    assert f"r{MAX_REVISIONS + 9}" in revisions._seen[ORIGIN]


async def test_stopping_waits_for_no_telling(tmp_path: Path, redis_server: RedisServer) -> None:
    async with playing(tmp_path, Rollout().predictor, redis=redis_server.url) as play:
        await _ask(play)
    async with asyncio.timeout(1):
        await until(lambda: not step_of(play)._telling)
