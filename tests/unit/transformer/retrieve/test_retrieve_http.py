"""The step retrieve over real connections: an embedding model that is slow, and then is not."""

import asyncio
import json
from pathlib import Path

from pilotlight_transformer.retrieval.document import SHARED, Chunk, Document
from pilotlight_transformer.retrieval.embedded import EmbeddedStore
from pilotlight_transformer.stores.database import Database
from tests.unit.transformer.fronting import Front
from tests.unit.transformer.playing import a_chat
from tests.unit.transformer.retrieve.embeddings import answer, vectors
from tests.unit.transformer.stub_predictor import StubPredictor, StubRequest, stream, whole


async def test_a_slow_embedding_is_left_and_the_predictor_not_held_for_ill(tmp_path: Path) -> None:
    database = Database(tmp_path / "documents.db")
    store = EmbeddedStore(database)
    await store.prepare()
    document = Document(SHARED, "default", "fruit", "Fruit", "d", "embedder", 1, 0)
    await store.put(document, [Chunk(0, "apple", 5)], vectors("apple"))
    await database.close()
    slow = True
    left = 0

    async def script(request: StubRequest) -> None:
        nonlocal left
        if request.path != "/v1/embeddings":
            await (stream("hi") if request.document.get("stream") else whole({"choices": []}))(
                request
            )
        elif slow:
            await request.gone.wait()
            left += 1
        else:
            await whole(answer(request.document))(request)

    async with StubPredictor(script) as predictor, Front(predictor.target) as front:

        async def use(deadline_ms: int) -> None:
            pipeline = {"retrieve": {"model": "embedder", "deadline_ms": deadline_ms}}
            text = json.dumps({"stores": {"folder": str(tmp_path)}, "pipeline": [pipeline]})
            front.gateway.inflight.replace(await front.build(text))

        await use(30)
        for _ in range(8):
            found = await front.ask(body=a_chat("apple"))
            assert found.status == 200
            assert found.header("x-pilotlight-retrieve") == "deadline"
        async with asyncio.timeout(10):
            while left < 8:  # noqa: ASYNC110  # a condition of plain values
                await asyncio.sleep(0.01)
        slow = False
        await use(5000)
        found = await front.ask(body=a_chat("apple"))
        assert found.header("x-pilotlight-retrieve") == "used"
        assert [cited["document"] for cited in found.document["citations"]] == ["fruit"]
        assert "apple" in predictor.last.document["messages"][0]["content"]
        streamed = await front.ask(body=a_chat("apple", stream=True))
        assert streamed.whole
        assert streamed.events[-1] == "[DONE]"
        assert streamed.events[-2]["citations"][0]["document"] == "fruit"
