"""Models from the cluster; the API server is a real HTTP server with KServe's answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SystemClock
from pilotlight.errors import ModelNotFound, NotReached
from pilotlight.kube.document import Document, Kind
from pilotlight.kube.kinds import INFERENCE_SERVICE
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Surroundings
from pilotlight_transformer.routing.discovery import MAX_MODELS, DiscoverSettings, Discovery, models
from pilotlight_transformer.steps.route import RouteSettings, RouteStep
from pilotlight_transformer.stores.stores import Stores, StoreSettings
from tests.unit.transformer.playing import PlayedPredictor, a_call, chat_answer
from tests.unit.transformer.routing.awaiting import until


def a_service(name: str, namespace: str = "models", **more: Any) -> Document:
    return {"metadata": {"name": name, "namespace": namespace, **more}, "status": {}}


class Cluster:
    """What the API server would list, and how it was asked."""

    namespace = "here"

    def __init__(self, *services: Document) -> None:
        self.services = list(services)
        self.gone = False
        self.asked: list[tuple[Kind, str | None, str]] = []

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = ""
    ) -> Sequence[Document]:
        self.asked.append((kind, namespace, labels))
        if self.gone:
            raise NotReached("no answer from the API server")
        return self.services


def test_the_address_is_the_predictors_of_that_name_and_namespace() -> None:
    (model,) = models([a_service("chat")])
    assert (model.name, model.interactive.host, model.interactive.port) == (
        "chat",
        "chat-predictor.models",
        80,
    )
    assert model.interactive.model == "chat"


def test_annotations_give_other_names_and_a_status_cannot_redirect() -> None:
    service = a_service(
        "chat",
        annotations={
            "pilotlight.dev/model": "meta/llama",
            "pilotlight.dev/upstream-model": "llama:2",
        },
    )
    service["status"] = {"url": "http://elsewhere", "address": {"url": "http://elsewhere"}}
    (model,) = models([service])
    assert (model.name, model.interactive.model) == ("meta/llama", "llama:2")
    assert model.interactive.host == "chat-predictor.models"


def test_names_that_are_none_and_services_that_go_away_are_left_out() -> None:
    going = a_service("b", deletionTimestamp="2026-01-01T00:00:00Z")
    odd = a_service("c", annotations={"pilotlight.dev/model": "a b"})
    assert models([going, odd, a_service("UPPER"), {"metadata": {}}]) == []


def test_of_two_with_one_name_the_first_by_namespace_stays() -> None:
    found = models([a_service("chat", "b"), a_service("chat", "a")])
    assert [model.interactive.host for model in found] == ["chat-predictor.a"]


def test_one_that_is_not_ready_is_known_and_said_not_to_be_ready() -> None:
    service = a_service("chat")
    service["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}
    (model,) = models([service])
    assert not model.ready


def test_there_are_never_more_than_the_metrics_can_bear() -> None:
    assert len(models(a_service(f"m{n}") for n in range(MAX_MODELS + 5))) == MAX_MODELS


@pytest.mark.parametrize(("given", "asked"), [("", "here"), ("other", "other"), ("*", None)])
async def test_it_asks_for_the_label_in_the_namespace_that_is_meant(
    given: str, asked: str | None
) -> None:
    cluster = Cluster()
    settings = DiscoverSettings(labels="team=a", namespace=given)
    await Discovery(cluster, settings, lambda found: None).look()
    assert cluster.asked == [(INFERENCE_SERVICE, asked, "team=a")]


async def a_step(folder: Path, cluster: Cluster, **settings: Any) -> RouteStep:
    surroundings = Surroundings(
        "m",
        PlayedPredictor(lambda call: chat_answer("hi")),
        Stores(StoreSettings(folder=folder)),
        SystemClock(),
    )
    given = {"discover": {"labels": "x=y", "every_s": 0.02}, **settings}
    step = RouteStep(RouteSettings.model_validate(given), surroundings, cluster)
    await step.start()
    return step


def asking(model: str) -> Call:
    return a_call({"model": model, "messages": []})


async def test_what_was_last_known_stays_while_the_api_server_is_gone(tmp_path: Path) -> None:
    cluster = Cluster(a_service("chat"))
    step = await a_step(tmp_path, cluster)
    try:
        cluster.gone = True
        before = len(cluster.asked)
        await until(lambda: len(cluster.asked) >= before + 3)
        call = asking("chat")
        await step.request(call)
        assert call.targets[0].host == "chat-predictor.models"
    finally:
        await step.stop()


async def test_a_model_that_comes_is_found_and_one_that_goes_is_forgotten(tmp_path: Path) -> None:
    cluster = Cluster(a_service("old"))
    step = await a_step(tmp_path, cluster)
    try:
        cluster.services = [a_service("new")]
        await until(lambda: "new" in step.registry.names("anonymous"))
        with pytest.raises(ModelNotFound):
            await step.request(asking("old"))
    finally:
        await step.stop()


async def test_it_starts_without_the_api_server_and_serves_what_the_file_says(
    tmp_path: Path,
) -> None:
    cluster = Cluster()
    cluster.gone = True
    step = await a_step(tmp_path, cluster, models={"chat": {"url": "http://chat.models"}})
    try:
        call = asking("chat")
        await step.request(call)
        assert call.targets[0].host == "chat.models"
    finally:
        await step.stop()


async def test_a_name_of_the_file_cannot_be_taken_by_the_cluster(tmp_path: Path) -> None:
    cluster = Cluster(a_service("chat"), a_service("m"), a_service("gpt"))
    step = await a_step(
        tmp_path,
        cluster,
        models={"chat": {"url": "http://static"}},
        aliases={"everyone": {"gpt": "chat"}},
    )
    try:
        for name in ("chat", "gpt"):
            call = asking(name)
            await step.request(call)
            assert call.targets[0].host == "static"
        own = asking("m")
        await step.request(own)
        assert own.targets == ()
    finally:
        await step.stop()


async def test_a_model_that_is_not_ready_goes_last_in_its_tier_and_not_away(
    tmp_path: Path,
) -> None:
    sick = a_service("sick")
    sick["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}
    step = await a_step(
        tmp_path,
        Cluster(sick, a_service("well")),
        tiers={"auto": {"otherwise": "sick", "fallback": ["gone", "well"]}},
    )
    try:
        call = asking("auto")
        await step.request(call)
        assert [target.name for target in call.targets] == ["well", "sick"]
    finally:
        await step.stop()
