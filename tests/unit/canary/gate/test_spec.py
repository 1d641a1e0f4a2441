"""What a spec may say of warm-up, gate and shadow traffic."""

from typing import Any

import pytest
from pydantic import ValidationError

from pilotlight.api.rollout import RolloutPolicy

PROMPTS = {"name": "golden", "key": "prompts"}
SECRET = {"secret": {"name": "recorded", "key": "lines"}}


def gate(**fields: Any) -> dict[str, Any]:
    return {"offlineGate": {"prompts": PROMPTS, **fields}}


@pytest.mark.parametrize(
    "policy",
    [
        {},
        gate(),
        gate(comparison="embedding", embedding={"url": "http://e.models/v1", "model": "e"}),
        gate(comparison="judge", judge={"url": "https://j.example.com/v1", "model": "j"}),
        {"warmUp": {"recentPrompts": True}, "recordedRequests": SECRET},
        {"analysis": {"mirrorWeight": 10}, "recordedRequests": {"url": "http://recorder/lines"}},
    ],
)
def test_it_says_what_is_compared_and_replayed(policy: dict[str, Any]) -> None:
    assert RolloutPolicy.model_validate(policy)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (gate(comparison="embedding"), "needs embedding.url and embedding.model"),
        (gate(comparison="judge"), "needs judge.url and judge.model"),
        (gate(comparison="judge", judge={"url": "ftp://a", "model": "j"}), "should match pattern"),
        (gate(timeout="0s"), "longer than 0s"),
        (gate(maxDifferent=1.5), "less than or equal to 1"),
        (gate(refusalPhrases=["no"]), "at least 3 characters"),
        ({"offlineGate": {}}, "Field required"),
        ({"warmUp": {"recentPrompts": True}}, "warmUp.recentPrompts needs recordedRequests"),
        ({"analysis": {"mirrorWeight": 10}}, "analysis.mirrorWeight needs recordedRequests"),
        ({"recordedRequests": {}}, "one of configMap, secret and url .* not 0"),
        ({"recordedRequests": {**SECRET, "url": "http://a"}}, "not 2"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(policy: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RolloutPolicy.model_validate(policy)
