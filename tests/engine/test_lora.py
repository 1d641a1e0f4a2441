"""LoRA adapters on the real engine: from the start, at run time, and refused."""

import threading

import pytest

from tests.engine.guarded_predictor import (
    ADMIN_TOKEN,
    API_KEY,
    START_ADAPTER,
    GuardedPredictor,
)
from tests.engine.predictor_process import MODEL_NAME


def names(guarded: GuardedPredictor) -> set[str]:
    return {model.id for model in guarded.client().models.list().data}


def test_an_adapter_given_at_the_start_is_a_model_with_answers_of_its_own(
    guarded_predictor: GuardedPredictor,
) -> None:
    assert {MODEL_NAME, START_ADAPTER} <= names(guarded_predictor)
    card = guarded_predictor.client().models.retrieve(START_ADAPTER)
    assert card.model_dump()["parent"] == MODEL_NAME
    adapted = guarded_predictor.text(START_ADAPTER)
    assert adapted != guarded_predictor.text(MODEL_NAME)
    assert adapted == guarded_predictor.text(START_ADAPTER)


def test_an_adapter_comes_and_goes_at_run_time(guarded_predictor: GuardedPredictor) -> None:
    before = guarded_predictor.text(MODEL_NAME), guarded_predictor.text(START_ADAPTER)
    loaded = guarded_predictor.admin("load", {"name": "lawyer", "path": "lawyer"})
    assert (loaded.status_code, loaded.json()) == (200, {"name": "lawyer", "loaded": True})
    assert "lawyer" in names(guarded_predictor)
    assert guarded_predictor.text("lawyer") not in before
    after = guarded_predictor.text(MODEL_NAME), guarded_predictor.text(START_ADAPTER)
    assert after == before
    assert guarded_predictor.admin("unload", {"name": "lawyer"}).status_code == 200
    assert "lawyer" not in names(guarded_predictor)
    gone = guarded_predictor.post("/v1/completions", {"model": "lawyer", "prompt": "a"})
    assert gone.status_code == 404


def test_other_tenants_go_on_while_an_adapter_is_loaded(
    guarded_predictor: GuardedPredictor,
) -> None:
    alone = guarded_predictor.text(MODEL_NAME, max_tokens=120)
    parts: list[str] = []
    begun = threading.Event()

    def follow() -> None:
        stream = guarded_predictor.client().completions.create(
            model=MODEL_NAME,
            prompt="Once upon a time",
            temperature=0,
            max_tokens=120,
            stream=True,
            extra_headers={"x-tenant-id": "another"},
        )
        for chunk in stream:
            parts.append(chunk.choices[0].text)
            begun.set()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert begun.wait(30)
        body = {"name": "cook", "path": str(guarded_predictor.adapters / "cook")}
        assert guarded_predictor.admin("load", body).status_code == 200
        assert follower.is_alive(), "the stream ended before the adapter was loaded"
    finally:
        follower.join(60)
    guarded_predictor.admin("unload", {"name": "cook"}).raise_for_status()
    assert "".join(parts) == alone


@pytest.mark.parametrize("action", ["load", "unload"])
@pytest.mark.parametrize("token", [None, "", API_KEY, ADMIN_TOKEN[:-1], ADMIN_TOKEN + "x"])
def test_without_the_admin_token_nothing_is_loaded(
    guarded_predictor: GuardedPredictor, action: str, token: str | None
) -> None:
    body = {"name": "lawyer", "path": "lawyer"} if action == "load" else {"name": START_ADAPTER}
    answer = guarded_predictor.admin(action, body, token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_token"
    assert names(guarded_predictor) >= {MODEL_NAME, START_ADAPTER}
    assert "lawyer" not in names(guarded_predictor)


@pytest.mark.parametrize(
    "path", ["../elsewhere/spy", "/etc", "nowhere", "", ".", "poet\0", "~", "x" * 5000]
)
def test_an_adapter_outside_the_roots_is_refused(
    guarded_predictor: GuardedPredictor, path: str
) -> None:
    answer = guarded_predictor.admin("load", {"name": "spy", "path": path})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "path"
    assert str(guarded_predictor.adapters) not in answer.text
    outside = str(guarded_predictor.adapters.parent / "elsewhere/spy")
    assert guarded_predictor.admin("load", {"name": "spy", "path": outside}).status_code == 400
    assert "spy" not in names(guarded_predictor)


@pytest.mark.parametrize("broken", ["too-wide", "torn"])
def test_a_broken_adapter_is_refused_and_the_server_goes_on(
    guarded_predictor: GuardedPredictor, broken: str
) -> None:
    before = guarded_predictor.text(MODEL_NAME)
    answer = guarded_predictor.admin("load", {"name": "broken", "path": broken})
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert "broken" not in names(guarded_predictor)
    assert guarded_predictor.text(MODEL_NAME) == before


@pytest.mark.parametrize(
    "body",
    [
        {"name": "lawyer"},
        {"name": 5, "path": "lawyer"},
        {"name": "", "path": "lawyer"},
        {"name": "a b", "path": "lawyer"},
        {"name": "a" * 200, "path": "lawyer"},
        {"name": "a", "path": 5},
        {"name": "a", "path": "lawyer", "load_inplace": True},
        {"name": START_ADAPTER, "path": "lawyer"},
        {"name": MODEL_NAME, "path": "lawyer"},
        [],
        "text",
        None,
    ],
)
def test_a_wrong_body_is_a_bad_request(guarded_predictor: GuardedPredictor, body: object) -> None:
    answer = guarded_predictor.admin("load", body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_an_unknown_adapter_cannot_be_unloaded(guarded_predictor: GuardedPredictor) -> None:
    for name in ("nobody", MODEL_NAME):
        assert guarded_predictor.admin("unload", {"name": name}).status_code == 404
    assert MODEL_NAME in names(guarded_predictor)


def test_many_loads_at_once_end_with_one_adapter(guarded_predictor: GuardedPredictor) -> None:
    statuses: list[int] = []

    def load() -> None:
        body = {"name": "lawyer", "path": "lawyer"}
        statuses.append(guarded_predictor.admin("load", body).status_code)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200, 400, 400, 400]
    assert guarded_predictor.admin("unload", {"name": "lawyer"}).status_code == 200


def test_an_adapter_that_is_unloaded_under_a_stream_lets_it_end(
    guarded_predictor: GuardedPredictor,
) -> None:
    guarded_predictor.admin("load", {"name": "cook", "path": "cook"}).raise_for_status()
    alone = guarded_predictor.text("cook", max_tokens=60)
    stream = guarded_predictor.client().completions.create(
        model="cook", prompt="Once upon a time", temperature=0, max_tokens=60, stream=True
    )
    parts = [next(stream).choices[0].text]
    guarded_predictor.admin("unload", {"name": "cook"}).raise_for_status()
    parts += [chunk.choices[0].text for chunk in stream]
    assert "".join(parts) == alone
