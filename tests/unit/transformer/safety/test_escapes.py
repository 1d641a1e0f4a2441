"""Texts that are JSON: filters read what they mean, and they stay JSON."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.safety.denylist import DenyList
from pilotlight_transformer.safety.escapes import unescaped, unfinished
from pilotlight_transformer.safety.finding import Action, Detector, Rule
from pilotlight_transformer.safety.pii import PATTERNS, PatternDetector
from pilotlight_transformer.safety.window import Window

DETECTORS: list[Detector] = [
    DenyList(Rule("words", Action.REDACT, "[words]"), ["orion"]),
    PatternDetector(Rule("email", Action.REDACT, "[email]"), PATTERNS["email"][0]),
]
MEANINGS = st.lists(
    st.sampled_from(
        [
            "a@b.com",
            "orion",
            "\U0001d52c\U0001d52f\U0001d526\U0001d52c\U0001d52b",
            "\n",
            '"',
            "\\",
            "n",
            " ",
            "é",
            "\U0001d51e",
            "u0040",
        ]
    ),
    max_size=8,
).map("".join)


def cleaned(text: str, sizes: list[int]) -> str:
    window = Window(DETECTORS, lambda rule: None, json=True)
    out, at, step = "", 0, 0
    while at < len(text):
        size = sizes[step % len(sizes)]
        out += window.feed(text[at : at + size])
        at, step = at + size, step + 1
    return out + window.flush()


def written(meaning: str, seed: int) -> str:
    """A JSON text, some of whose characters are escaped though they need not be."""
    chance = random.Random(seed)
    plain = json.dumps(meaning, ensure_ascii=False)[1:-1]
    if chance.random() < 0.3:
        return json.dumps(meaning)[1:-1]
    out, at = "", 0
    while at < len(plain):
        size = 2 if plain[at] == "\\" else 1
        char = plain[at : at + size]
        escape = size == 1 and ord(char) < 0x10000 and chance.random() < 0.3
        out, at = out + (f"\\u{ord(char):04x}" if escape else char), at + size
    return out


@given(MEANINGS, st.integers(0, 2**32), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_json_is_cleaned_by_its_meaning_wherever_it_is_cut_and_stays_json(
    meaning: str, seed: int, sizes: list[int]
) -> None:
    plain = Window(DETECTORS, lambda rule: None).whole(meaning)
    assert json.loads(f'"{cleaned(written(meaning, seed), sizes)}"') == plain


@given(st.text('\\u0aDd8cn"x', max_size=30), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_what_is_no_json_passes_as_it_is(text: str, sizes: list[int]) -> None:
    assert cleaned(text, sizes) == text


@given(st.text('\\u0aDd8cn"x', max_size=30))
def test_places_lead_back_to_where_each_character_came_from(text: str) -> None:
    meaning, places = unescaped(text)
    assert len(places) == len(meaning) + 1
    assert list(places) == sorted(set(places))
    assert places[-1] == len(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a", 0),
        ("a\\", 1),
        ("a\\\\", 0),
        ("a\\u", 2),
        ("a\\u004", 5),
        ("a\\u0040", 0),
        ("a\\ud83d", 6),
        ("a\\ud83d\\", 7),
        ("a\\ud83d\\ude0", 11),
        ("a\\ud83d\\ude00", 0),
        ("a\\ud83dx", 0),
        ("a\\\\ud83d", 0),
    ],
)
def test_the_beginning_of_an_escape_waits_for_its_end(text: str, count: int) -> None:
    assert unfinished(text) == count
