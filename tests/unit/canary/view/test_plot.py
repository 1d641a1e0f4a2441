"""The course of a rollout as text and as a picture."""

import io
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pilotlight.errors import UsageError
from pilotlight.terminal.pictures import refuse_format
from pilotlight_canary.timeline import SAMPLE_RATIO, CheckPoint, Timeline, parse, record
from pilotlight_canary.view.braille import Canvas, Line
from pilotlight_canary.view.chart import chart
from pilotlight_canary.view.course import checks, decision, moments, stays
from pilotlight_canary.view.figure import save
from tests.unit.canary.view.courses import (
    CANARY,
    PROMOTED,
    STABLE,
    TAKEN_BACK,
    at_look,
    recorded,
    rollout,
    statuses,
)


@pytest.fixture(params=[(PROMOTED, False), (TAKEN_BACK, True)], ids=["promoted", "taken back"])
def course(request: pytest.FixtureRequest) -> Timeline:
    return parse(recorded(*request.param))


def _text(timeline: Timeline, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace")
    Console(file=file, width=width, force_terminal=False).print(chart(timeline))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_a_bad_version_s_course_ends_with_why_it_was_taken_back() -> None:
    timeline = parse(recorded(TAKEN_BACK, bad=True))
    end = decision(timeline)
    assert end is not None
    assert (end.words, end.at_s) == ("taken back", 80.0)
    assert "taken back after 1m 20s: errors (prompts up to 512 tokens)" in _text(timeline)


def test_a_rollout_under_way_has_no_decision() -> None:
    timeline = parse(recorded(PROMOTED[:4]))
    assert decision(timeline) is None
    assert "the evidence does not decide yet" in _text(timeline)


def test_a_promotion_that_was_taken_back_is_one_taken_back() -> None:
    timeline = parse(recorded((*PROMOTED[:-1], *TAKEN_BACK[-2:])))
    end = decision(timeline)
    assert end is not None
    assert end.words == "taken back"


def test_phases_follow_each_other_without_a_gap(course: Timeline) -> None:
    found = stays(course)
    assert found[0].from_s == 0
    assert all(one.to_s == other.from_s for one, other in pairwise(found))


def test_shares_are_counted_anew_in_each_step() -> None:
    timeline = parse(recorded(TAKEN_BACK, bad=True))
    found = moments(timeline, "errors")
    starts = [i for i, moment in enumerate(found) if moment.starts_step]
    widths = [m.canary.high - m.canary.low if m.canary else None for m in found]
    assert len(starts) >= 2
    second = starts[1]
    before, after = widths[second - 1], widths[second]
    assert before is not None
    assert after is not None
    assert after > before


def test_what_a_look_counts_belongs_to_the_step_that_lasted_until_then() -> None:
    found = moments(parse(recorded(TAKEN_BACK, bad=True)), "errors")
    last_of_first_step = next(i for i, m in enumerate(found) if m.told == 0.1) - 1
    assert found[last_of_first_step].told == 0.05
    assert found[-1].canary is None
    # The look that took it back still counted what the step had brought.
    assert found[-2].canary is not None


def test_a_promotion_says_on_what_evidence() -> None:
    end = decision(parse(recorded(PROMOTED)))
    assert end is not None
    assert "no check is worse than allowed; slowest: errors 12 of 1,260" in end.reason


def test_the_split_is_drawn_against_what_was_told() -> None:
    timeline = parse(recorded(PROMOTED[:4]))
    split = CheckPoint(canary=(0, 100), stable=(0, 900))
    points = [
        p.model_copy(update={"checks": {SAMPLE_RATIO: split}}) for p in timeline.points if p.step
    ]
    timeline = timeline.model_copy(update={"points": tuple(points)})
    (first, *_), shown = moments(timeline, SAMPLE_RATIO), _text(timeline)
    assert first.canary is not None
    assert (first.canary.share, first.told) == (0.1, 0.05)
    assert "sample-ratio  canary 10 %" in shown


def test_after_a_promotion_the_course_still_tells_which_version_was_the_old_one() -> None:
    promoted = statuses(PROMOTED)[-1].model_copy(update={"stable_revision": CANARY})
    data = record(recorded(PROMOTED[:-1]), rollout(promoted), at_look(99))
    assert parse(data).header.stable_revision == STABLE


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_text_fits_the_terminal(course: Timeline, width: int) -> None:
    shown = _text(course, width)
    assert max(map(len, shown.splitlines())) <= width
    for check in checks(course):
        assert check in shown


def test_a_terminal_without_braille_gets_ascii(course: Timeline) -> None:
    shown = _text(course, encoding="ascii")
    assert "*" in shown


def test_a_picture_is_written(course: Timeline, tmp_path: Path) -> None:
    save(course, tmp_path / "course.png")
    assert (tmp_path / "course.png").read_bytes().startswith(b"\x89PNG")


def test_a_course_of_one_look_can_be_drawn(tmp_path: Path) -> None:
    timeline = parse(recorded(((PROMOTED[0][0], 0, 0, 1),)))
    assert _text(timeline)
    save(timeline, tmp_path / "course.svg")


@pytest.mark.parametrize("name", ["course", "course.gif", "no-folder/course.png"])
def test_a_file_that_cannot_be_drawn_is_refused_before_anything_is_asked(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        refuse_format(tmp_path / name)


@given(
    st.lists(
        st.one_of(st.none(), st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))), max_size=20
    ),
    st.booleans(),
)
def test_any_line_can_be_drawn(points: list[tuple[float, float] | None], dotted: bool) -> None:
    canvas = Canvas(20, 4, (0.0, 10.0), (0.0, 1.0))
    canvas.draw(Line(points, "red", dotted))
    assert [len(row) for row in canvas.rows()] == [20] * 4
