"""Findings against thresholds: refuse, pass, or wait."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.gate import Comparison
from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.gate.answer import Answer, Failure, Position
from pilotlight_canary.gate.finding import Finding
from pilotlight_canary.gate.prompt import CHAT, Prompt
from pilotlight_canary.gate.report import report
from pilotlight_canary.gate.similarity import SAME, Judgement
from pilotlight_canary.gate.verdict import judged
from tests.unit.canary.gate.conftest import subject

PROMPT = Prompt("line 1", CHAT, {"messages": [{"role": "user", "content": "Who?"}]})
ANSWER = Answer("a small flame", output_tokens=3)
DIFFERENT = Judgement(different=True, score=0.2, reason="differs from character 3 of 12")
BROKEN = Failure("HTTP 500", "told to fail")
ALLOWED = Comparison()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def same(count: int = 1, **changes: Any) -> list[Finding]:
    fields: dict[str, Any] = {"judgement": SAME, "control": SAME, **changes}
    return [
        Finding(PROMPT, fields.pop("stable", ANSWER), fields.pop("canary", ANSWER), **fields)
    ] * count


def state(findings: list[Finding], prompts: int | None = None, **allowed: Any) -> TaskState:
    spec = Comparison.model_validate(allowed)
    return judged(findings, len(findings) if prompts is None else prompts, spec).state


def test_the_same_answers_pass_and_the_sentence_has_the_figures() -> None:
    verdict = judged(same(20), 20, ALLOWED)
    assert verdict.state == TaskState.PASSED
    assert "0 of 20 answers differ (exact); stable from itself: 0 of 20" in verdict.sentence
    assert "from 3.0 to 3.0 tokens" in verdict.sentence


def test_answers_differ_as_often_as_the_spec_allows_and_no_more() -> None:
    assert state(same(18) + same(2, judgement=DIFFERENT)) == TaskState.PASSED
    verdict = judged(same(17) + same(3, judgement=DIFFERENT), 20, ALLOWED)
    assert verdict.state == TaskState.REFUSED
    assert "3 of 20 answers differ" in verdict.sentence
    assert "maxDifferent is 0.1, this is 0.15" in verdict.sentence


def test_as_many_differences_more_are_allowed_as_stable_has_from_itself() -> None:
    noisy = same(10) + same(5, judgement=DIFFERENT) + same(5, control=DIFFERENT)
    assert state(noisy) == TaskState.PASSED
    assert state(same(10) + same(5, judgement=DIFFERENT) + same(5)) == TaskState.REFUSED


def test_requests_that_only_the_canary_fails_refuse_it() -> None:
    verdict = judged(same(9) + same(canary=BROKEN, judgement=None), 10, ALLOWED)
    assert verdict.state == TaskState.REFUSED
    assert "1 of 10 requests that stable answered failed (HTTP 500)" in verdict.sentence


def test_a_canary_that_answers_nothing_is_refused() -> None:
    assert state(same(5, canary=BROKEN, judgement=None)) == TaskState.REFUSED


def test_while_stable_does_not_answer_either_it_waits() -> None:
    out = same(6, stable=BROKEN, canary=BROKEN, judgement=None)
    verdict = judged(out + same(4, judgement=DIFFERENT), 10, ALLOWED)
    assert verdict.state == TaskState.WAITING
    assert "stable answered only 4 of 10" in verdict.sentence


def test_prompts_that_both_fail_say_nothing_of_the_canary() -> None:
    too_long = Failure("HTTP 400")
    assert state(same(9) + same(stable=too_long, canary=too_long)) == TaskState.PASSED


def test_without_time_for_all_it_does_not_pass_but_may_refuse() -> None:
    assert state(same(5), prompts=10) == TaskState.WAITING
    assert state(same(5, judgement=DIFFERENT), prompts=10) == TaskState.REFUSED
    assert state([], prompts=10) == TaskState.WAITING


def test_answers_that_cannot_be_compared_do_not_pass_and_the_reason_is_told() -> None:
    undone = same(judgement=None, undone="the judge does not answer")
    verdict = judged(same(9) + undone, 10, ALLOWED)
    assert verdict.state == TaskState.WAITING
    assert verdict.sentence.endswith("the judge does not answer")


def test_a_limit_of_the_drift_needs_probabilities() -> None:
    def told(logprob: float) -> Answer:
        return Answer("a", output_tokens=1, positions=(Position("a", logprob),))

    near, far = (same(stable=told(-0.1), canary=told(-0.1 - drift)) for drift in (0.01, 0.5))
    assert state(same(), maxLogprobDrift=0.1) == TaskState.WAITING
    assert state(near, maxLogprobDrift=0.1) == TaskState.PASSED
    assert state(far, maxLogprobDrift=0.1) == TaskState.REFUSED
    assert state(far) == TaskState.PASSED, "without a limit it is only told"


@pytest.mark.parametrize(
    "canary",
    [
        Answer("a small flame", output_tokens=30),
        Answer("I cannot help with that", output_tokens=3),
        Answer(" ", output_tokens=3),
    ],
    ids=["longer", "refusal", "empty"],
)
def test_length_refusals_and_empty_answers_count_where_differences_do_not(canary: Answer) -> None:
    assert state(same(20), maxDifferent=1) == TaskState.PASSED
    assert state(same(15) + same(5, canary=canary), maxDifferent=1) == TaskState.REFUSED
    both = same(15) + same(5, stable=canary, canary=canary)
    assert state(both, maxDifferent=1) == TaskState.PASSED, "stable is no better"


def test_invalid_json_counts_among_the_requests_that_asked_for_some() -> None:
    body = {**PROMPT.body, "response_format": {"type": "json_object"}}
    asked = Prompt("json", CHAT, body)
    good, bad = (
        Finding(asked, Answer("{}", output_tokens=1), Answer(text, output_tokens=1), SAME)
        for text in ("{}", "{")
    )
    assert state([*same(500), good, good]) == TaskState.PASSED
    assert state([*same(500), good, bad]) == TaskState.REFUSED


@given(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=30))
def test_a_canary_that_is_stable_itself_is_never_refused(kinds: list[int]) -> None:
    replies = (ANSWER, BROKEN, Answer("", output_tokens=0), Answer("I cannot help"))
    findings = [
        same(stable=replies[kind], canary=replies[kind], judgement=None if kind == 1 else SAME)[0]
        for kind in kinds
    ]
    assert state(findings) != TaskState.REFUSED


TEXTS = st.text(max_size=5000)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20), st.integers(3000, 40_000))
def test_a_report_is_json_within_its_bound_and_says_what_it_leaves_out(
    texts: list[tuple[str, str]], max_bytes: int
) -> None:
    findings = [same(stable=Answer(a), canary=Answer(b))[0] for a, b in texts]
    verdict = judged(findings, len(findings), ALLOWED)
    document = report(
        subject("http://a", "http://b"),
        NOON,
        "passed",
        verdict.tally,
        verdict.measures,
        findings,
        shows_texts=True,
        max_bytes=max_bytes,
    )
    assert len(document.encode()) <= max_bytes
    parsed = json.loads(document)
    assert len(parsed["findings"]) + parsed["findingsLeftOut"] == len(findings)
    assert (parsed["stable"], parsed["canary"]) == ("chat-00001", "chat-00002")


def test_the_worst_come_first_and_peoples_words_stay_out() -> None:
    secret = Answer("my name is Ada", output_tokens=4)
    findings = (
        same()
        + same(canary=secret, judgement=DIFFERENT)
        + same(canary=Failure("HTTP 500", "cannot read: my name is Ada"), judgement=None)
    )
    verdict = judged(findings, 3, ALLOWED)
    shown = [
        report(
            subject("http://a", "http://b"),
            NOON,
            "refused",
            verdict.tally,
            verdict.measures,
            findings,
            shows_texts=shows_texts,
        )
        for shows_texts in (True, False)
    ]
    entries = json.loads(shown[0])["findings"]
    assert [("failed" in e["canary"], e["different"]) for e in entries] == [
        (True, None),
        (False, True),
        (False, False),
    ]
    assert "Ada" in shown[0]
    assert "Ada" not in shown[1]
    assert "Who?" not in shown[1]
