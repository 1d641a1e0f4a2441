"""The demonstration's screen, and what it says at the end."""

import itertools

from rich.console import Console, RenderableType

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Phase
from pilotlight.demo.standin import code
from pilotlight_canary.demo.crowd import Tally
from pilotlight_canary.demo.play import summary
from pilotlight_canary.demo.scene import Scene
from pilotlight_canary.demo.screen import screen
from pilotlight_canary.demo.service import BAD, FIRST, GOOD, inference_service, rollout
from pilotlight_canary.demo.story import Act
from pilotlight_canary.timeline import parse
from pilotlight_canary.view.seen import Seen
from tests.unit.canary.view import courses


def _text(shown: RenderableType) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def test_chapters_the_rollout_and_the_crowd_are_on_one_screen() -> None:
    scene = Scene()
    scene.begin("deploy")
    scene.begin("roll out")
    scene.seen = Seen(courses.rollout(courses.statuses(courses.PROMOTED)[14]), courses.at_look(14))
    scene.tally = Tally(90, 10, {"1": 80, "2": 10}, {"1": 27.0, "2": 3.0}, {"1": 0.04})
    shown = _text(screen(scene))
    for part in ("✓ deploy", "▶ roll out", "Progressing", "version 2", "3 answers/s",
                 "100 asked, 90 answered, 10 failed (10 %)"):  # fmt: skip
        assert part in shown
    assert len(shown.splitlines()) <= 40


def test_before_anything_is_there_the_screen_can_be_drawn() -> None:
    assert _text(screen(Scene()))


def test_the_end_says_who_was_promoted_and_what_people_noticed() -> None:
    course = parse(courses.recorded(courses.PROMOTED))
    before, after = Tally(100, 0, {"1": 100}), Tally(300, 5, {"1": 200, "2": 100})
    shown = _text(summary([Act(GOOD, Phase.SUCCEEDED, 80.0, course, before, after)]))
    assert "Succeeded" in shown
    assert "1m 20s" in shown
    assert "5 of 205 (2.4 %)" in shown


def test_versions_differ_and_only_the_held_one_says_a_percentage() -> None:
    documents = [inference_service("demo", v) for v in (FIRST, GOOD, *BAD.values())]
    assert all(one["spec"] != other["spec"] for one, other in itertools.pairwise(documents))
    assert "canaryTrafficPercent" not in documents[1]["spec"]["predictor"]
    held = inference_service("demo", GOOD, held=True)
    assert held["spec"]["predictor"]["canaryTrafficPercent"] == 0


def test_the_stand_in_s_program_is_whole() -> None:
    assert {"__main__.py", "server.py", "behaviour.py", "metrics.py"} <= set(code("demo")["data"])


def test_the_rollout_is_one_that_the_types_take() -> None:
    found = InferenceRollout.model_validate(rollout("demo", "http://prometheus"))
    assert found.spec.metrics_server == "http://prometheus"
