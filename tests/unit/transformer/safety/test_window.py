"""What goes out of a stream is what would go out of the whole text, however it was cut."""

import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_transformer.safety.denylist import DenyList
from pilotlight_transformer.safety.finding import Action, Detector, Rule
from pilotlight_transformer.safety.pii import PATTERNS, PatternDetector
from pilotlight_transformer.safety.window import MOST_HELD, TOO_LONG, Window

WORDS = ("project orion", "orion", "straße", "ab", "abcab", "bca", "極秘", "a b c")


def detectors(action: Action = Action.REDACT) -> list[Detector]:
    words = Rule("words", action, "[words]")
    found: list[Detector] = [
        DenyList(words, WORDS),
        DenyList(Rule("parts", action, "[parts]"), ["xyx", "yxy"], whole_words=False),
    ]
    for kind, patterns in PATTERNS.items():
        rule = Rule(kind, action, f"[{kind}]")
        found += [PatternDetector(rule, pattern) for pattern in patterns]
    return found


DETECTORS = detectors()


def whole(text: str, using: Sequence[Detector] = DETECTORS) -> str:
    return Window(using, lambda rule: None).whole(text)


def streamed(pieces: Sequence[str], using: Sequence[Detector] = DETECTORS) -> list[str]:
    window = Window(using, lambda rule: None)
    return [*(window.feed(piece) for piece in pieces), window.flush()]


KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\nabc\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x"
SECRETS = {
    "jane.doe+x@mail.example.com": "email",
    "josé@exämple.org": "email",
    "+49 (171) 123-45 67": "phone",
    "555-123-4567": "phone",
    "(030) 1234 5678": "phone",
    "DE89 3704 0044 0532 0130 00": "iban",
    "GB82WEST12345698765432": "iban",
    "4111 1111 1111 1111": "card",
    "5500-0000-0000-0004": "card",
    "\uff14\uff11\uff11\uff11111111111111": "card",
    "sk-abcdefghijklmnop0123456789": "key",
    "AKIAIOSFODNN7EXAMPLE": "key",
    "ghp_abcdefghijklmnopqrst0123456789ABCDEF": "key",
    JWT: "key",
    KEY: "key",
    "Project\u200b  O\u0301RION": "words",
    "STRASSE": "words",
    "極秘": "words",
}
FILLERS = ["", " ", "x", "\n", "hello ", ". ", "@", "-", "+", "0", "4", "é", "\u200b", "🙂", "a"]
FILLERS += [
    "-----BEGIN ",
    "eyJ",
    "DE",
    "a b ",
    "project ",
    "\u0301",
    "\ud83d",
    "  ",
    "1 2 3 ",
    "(0",
]
PARTS = [*SECRETS, *FILLERS, *(secret[:9] for secret in SECRETS)]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=12).map("".join)
SMALL = st.text("ab c@.xyx-1é\u200b \n", max_size=40)
TINY = st.text("skeyJ-.BEGINPRVATD 045+()/@a", max_size=40)


def cut(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    pieces, at = [], 0
    while at < len(text):
        size = chance.choice([1, 1, 2, 3, 5, 8, 40, 90])
        pieces.append(text[at : at + size])
        at += size
    return pieces


@settings(max_examples=300, deadline=None)
@given(TEXTS | SMALL | TINY, st.integers(0, 2**32))
def test_a_stream_says_what_the_whole_text_says_wherever_it_is_cut(text: str, seed: int) -> None:
    assert "".join(streamed(cut(text, seed))) == whole(text)


@settings(max_examples=600, deadline=None)
@given(TEXTS | SMALL | TINY, st.integers(0, 2**32), st.sampled_from(DETECTORS))
def test_so_it_is_for_each_rule_alone_though_no_other_one_holds_the_text_back(
    text: str, seed: int, alone: Detector
) -> None:
    assert "".join(streamed(cut(text, seed), [alone])) == whole(text, [alone])


def test_each_rule_alone_knows_what_stood_before_a_piece() -> None:
    for text in (
        "xab ab",
        "7 4111111111111111",
        "94111111111111111",
        "ask-" + "k1" * 12,
        " a  b c",
    ):
        for at in range(len(text)):
            for one in DETECTORS:
                assert "".join(streamed([text[:at], text[at:]], [one])) == whole(text, [one])


def test_a_key_block_may_be_cut_anywhere() -> None:
    text = f"a {KEY} b"
    for at in range(len(text)):
        assert "".join(streamed([text[:at], text[at:]])) == "a [key] b"


@settings(max_examples=100, deadline=None)
@given(TEXTS | SMALL | TINY)
def test_a_stream_of_single_characters_says_it_too(text: str) -> None:
    assert "".join(streamed(list(text))) == whole(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 2**32))
def test_what_went_out_is_always_the_beginning_of_what_the_whole_text_says(
    text: str, more: str, seed: int
) -> None:
    """So nothing ever has to be taken back."""
    expected, sent = whole(text + more), ""
    window = Window(DETECTORS, lambda rule: None)
    for piece in cut(text + more, seed):
        sent += window.feed(piece)
        assert expected.startswith(sent)


@pytest.mark.parametrize(("secret", "label"), SECRETS.items())
def test_each_secret_is_replaced_and_no_part_of_it_was_ever_sent(secret: str, label: str) -> None:
    text = f"Well: {secret}, so."
    assert whole(text) == f"Well: [{label}], so."
    for size in (1, 2, 3, 7):
        sent = streamed([text[at : at + size] for at in range(0, len(text), size)])
        assert "".join(sent) == f"Well: [{label}], so."


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SECRETS)),
    st.sampled_from(["", "see ", "(", "\n", "é: "]),
    st.sampled_from(["", " bye", ".\n", ", ok", "\u3002"]),
    st.integers(0, 2**32),
)
def test_no_secret_leaks_at_any_time(secret: str, before: str, after: str, seed: int) -> None:
    window, sent = Window(DETECTORS, lambda rule: None), ""
    for piece in cut(before + secret + after, seed):
        sent += window.feed(piece)
        assert secret[:6] not in sent
    sent += window.flush()
    assert secret[:6] not in sent
    assert secret[-6:] not in sent


@pytest.mark.parametrize(
    "text",
    [
        "It costs 12 345 678 or 1234567890123 items.",
        "Version 1.2.3.4 of 2024-11-05 12:30:00, 05-06-2024",
        "4111 1111 1111 1112",
        "0000000000000000",
        "GB82 WEST 1234 5698 7654 33",
        "me @ home, a@b, @user, x@localhost",
        "sk-short task-abcdefghijklmnopqrst",
        "orionid aboriginal",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "eyJhbGciOi",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert whole(text) == text
    assert "".join(streamed(list(text))) == text


def test_a_card_among_other_numbers_is_found() -> None:
    assert whole("no 7 4111 1111 1111 1111 12 pcs") == "no 7 [card] 12 pcs"


def test_an_iban_is_found_before_words_that_could_belong_to_it() -> None:
    assert whole("DE89370400440532013000 and more words") == "[iban] and more words"


def test_a_key_block_without_an_end_never_comes_out() -> None:
    text = KEY.replace("-----END", "--") + "x" * 10_000
    assert whole(text) == "[key]"
    sent = streamed([text[at : at + 13] for at in range(0, len(text), 13)])
    assert "".join(sent) == "[key]"


def test_a_key_longer_than_any_window_is_swallowed_without_being_held() -> None:
    window = Window(DETECTORS, lambda rule: None)
    sent = "".join(window.feed("sk-" if n == 0 else "k3Y_-" * 10) for n in range(1000))
    assert sent == "[key]"
    assert window.feed(" done ") == " done "


@pytest.mark.parametrize("text", [f"{JWT}\u200b\u200b and", f"{JWT}\u200b", f"({JWT}\u200bx) y"])
def test_invisible_characters_behind_a_run_are_treated_alike_wherever_it_is_cut(text: str) -> None:
    assert "".join(streamed(list(text))) == whole(text)


def test_plain_words_are_held_for_a_word_at_most() -> None:
    window = Window(DETECTORS, lambda rule: None)
    sent = ""
    for at, char in enumerate(text := "the quick brown fox jumps over lazy dogs and so on " * 5):
        sent += window.feed(char)
        assert at - len(sent) < 12
    assert sent + window.flush() == text


def test_scripts_without_spaces_flow_too_and_what_stands_in_them_is_found() -> None:
    window = Window(DETECTORS, lambda rule: None)
    text, sent = "\u8054\u7cfbjane@example.com\u8c22\u8c22\u7535\u8bdd555-123-4567\u3002", ""
    for at, char in enumerate("\u6c49" * 300):
        sent += window.feed(char)
        assert at - len(sent) < 3
    assert whole(text) == "\u8054\u7cfb[email]\u8c22\u8c22\u7535\u8bdd[phone]\u3002"


def test_a_beginning_that_never_ends_is_redacted_and_not_kept_for_ever() -> None:
    window = Window(DETECTORS, lambda rule: None)
    sent = window.feed("4111") + "".join(window.feed("\u200b" * 100) for _ in range(60))
    assert TOO_LONG in sent
    assert "4111" not in sent
    assert window.feed(" and on we go ").strip() == "and on we go"
    assert MOST_HELD < 6000


def test_a_refusal_lets_out_what_came_before_and_nothing_after() -> None:
    seen: list[Rule] = []
    window = Window(detectors(Action.REFUSE), seen.append)
    sent = "".join(window.feed(char) for char in "say orion now a@b.com")
    assert sent + window.flush() == "say "
    assert window.refused is not None
    assert [rule.name for rule in seen] == ["words"]


def test_a_flag_changes_nothing_and_is_told_once_for_each_place() -> None:
    seen: list[Rule] = []
    window = Window(detectors(Action.FLAG), seen.append)
    text = f"orion a@b.com {KEY} orion"
    assert "".join(window.feed(char) for char in text) + window.flush() == text
    assert [rule.name for rule in seen] == ["words", "email", "key", "words"]


@pytest.mark.parametrize("kind", sorted(PATTERNS))
def test_the_beginnings_of_a_match_are_known_as_such(kind: str) -> None:
    for secret in (secret for secret, found in SECRETS.items() if found == kind):
        for pattern in PATTERNS[kind]:
            found = pattern.found.match(secret)
            for size in range(1, found.end() + 1 if found else 0):
                assert re.match(pattern.begun, secret[:size])
