"""How a text is cut into chunks."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.retrieval.chunking import cut, estimate

TEXTS = st.text(
    st.sampled_from("abc .\n\té世") | st.characters(exclude_categories=["Cs"]), max_size=2000
)


@given(TEXTS, st.integers(64, 100), st.integers(0, 32))
def test_no_chunk_is_over_its_size_and_no_character_is_lost(
    text: str, tokens: int, overlap: int
) -> None:
    chunks = cut(text, tokens, overlap)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(0 < chunk.tokens <= tokens for chunk in chunks)
    # With no overlap the chunks are the text, in order; with one, each reaches further.
    plain = ["".join(chunk.text.split()) for chunk in chunks]
    whole = "".join(text.split())
    if overlap == 0:
        assert "".join(plain) == whole
    done = 0
    for piece in plain:
        at = whole.rfind(piece, 0, done + len(piece))
        assert 0 <= at <= done
        assert at + len(piece) > done
        done = at + len(piece)
    assert done == len(whole)


def test_a_chunk_ends_with_a_paragraph_if_one_ends_in_its_second_half() -> None:
    paragraph = "Some words stand here in a row. " * 5
    text = f"{paragraph.strip()}\n\n{paragraph.strip()}\n\n{paragraph.strip()}"
    chunks = cut(text, 100, 0)
    assert len(chunks) == 3
    assert all(chunk.text.startswith("Some words") for chunk in chunks)


def test_or_else_with_a_sentence() -> None:
    chunks = cut("One two three four five six seven. " * 40, 64, 0)
    assert len(chunks) > 2
    assert all(chunk.text.endswith(".") for chunk in chunks)


def test_the_next_chunk_repeats_the_end_of_the_one_before() -> None:
    words = [f"w{number}" for number in range(300)]
    first, second, *_ = cut(" ".join(words), 64, 20)
    repeated = set(first.text.split()) & set(second.text.split())
    assert 0 < sum(estimate(sorted(repeated))) <= 20


def test_what_has_no_spaces_is_cut_too() -> None:
    chunks = cut("世" * 1000, 64, 0)
    assert len(chunks) > 10
    assert re.fullmatch("世+", "".join(chunk.text for chunk in chunks))


def test_nothing_is_no_chunk() -> None:
    assert cut("", 64, 0) == cut(" \n ", 64, 0) == []
