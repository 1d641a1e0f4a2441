"""Positions, comments, lists and streams."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import ManifestError
from pilotlight_manifests.lint.document import parse
from pilotlight_manifests.lint.finding import Finding

Lint = Callable[..., list[Finding]]
Service = Callable[..., str]

BAD = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    timeout: 900
    model: {modelFormat: {name: sklearn}}
"""


def lines(findings: list[Finding]) -> list[int]:
    return [finding.line for finding in findings]


@given(before=st.integers(0, 5), documents=st.integers(1, 4), between=st.integers(0, 5))
def test_a_finding_points_at_its_line(before: int, documents: int, between: int) -> None:
    text = "\n" * before + ("---\n" + "\n" * between).join([BAD] * documents)
    found = [document.spec.at("predictor", "timeout").line for document in parse(text, "f")]
    length = BAD.count("\n") + 1 + between
    assert found == [before + 6 + n * length for n in range(documents)]
    assert all(text.splitlines()[line - 1].strip() == "timeout: 900" for line in found)


def test_an_absent_field_points_at_the_nearest_place() -> None:
    (document,) = parse(BAD, "f")
    assert document.spec.at("predictor", "model", "env", "x").line == 7
    assert not document.spec.at("predictor", "model", "env", "x").given


def test_a_comment_at_the_end_of_a_line_turns_a_rule_off_there(lint: Lint) -> None:
    assert lines(lint(BAD)) == [6]
    off = BAD.replace("900", "900  # lint: ignore timeout-above-maximum")
    assert not lint(off)
    assert lint(off.replace("timeout-above", "other"))
    # Not on the line below.
    late = BAD.replace("predictor:", "predictor:  # lint: ignore timeout-above-maximum")
    assert lines(lint(late)) == [6]


def test_a_comment_of_its_own_speaks_for_the_line_below(lint: Lint) -> None:
    off = BAD.replace(
        "    timeout", "    # lint: ignore a-rule, timeout-above-maximum\n    timeout"
    )
    assert not lint(off)


@pytest.mark.parametrize("start", ["", "---\n", "# About this file.\n---\n"])
def test_a_comment_above_a_document_speaks_for_all_of_it(lint: Lint, start: str) -> None:
    comment = "# lint: ignore timeout-above-maximum\n"
    both = start + comment + BAD + "---\n" + BAD.replace("chat", "mail")
    (left,) = lint(both)
    assert left.title == "InferenceService mail"
    assert not lint(comment + start + BAD)
    (first,) = lint(BAD + "---\n" + comment + BAD.replace("chat", "mail"))
    assert first.title == "InferenceService chat"


def test_the_items_of_a_list_are_documents(lint: Lint) -> None:
    indented = "".join(f"    {line}\n" for line in BAD.splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n  -\n" + indented
    assert lines(lint(text)) == [10]


def test_aliases_and_merges_are_followed(lint: Lint) -> None:
    text = BAD.replace("    timeout: 900\n", "    <<: &t {timeout: 900}\n")
    assert [f.rule for f in lint(text)] == ["timeout-above-maximum"]


def test_what_is_no_object_is_passed_over() -> None:
    assert not list(parse("a: 1\n---\n- b\n---\n\n---\nkind: X\n", "f"))


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\tx: 1", "a: &a [*a]", "[" * 500 + "]" * 500, "x: *nobody"]
)
def test_text_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(ManifestError, match=r"^f: "):
        list(parse(text, "f"))
