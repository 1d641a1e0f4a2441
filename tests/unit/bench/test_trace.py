"""Lengths of real traffic, scaled to a model's context."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_bench.load.trace import Lengths, Scale, read_azure_trace, sample, scale_to_context

LENGTHS = st.builds(Lengths, st.integers(1, 200_000), st.integers(1, 20_000))


@given(st.lists(LENGTHS, min_size=1), st.integers(64, 32_768))
def test_every_scaled_request_fits_the_context(trace: list[Lengths], context: int) -> None:
    scale = scale_to_context(trace, context, max_output=context)
    for lengths in map(scale.apply, trace):
        assert lengths.prompt >= 1
        assert lengths.output >= 1
        assert lengths.prompt + lengths.output <= context


def test_the_longest_request_nearly_fills_the_context() -> None:
    trace = [Lengths(100, 10), Lengths(9_000, 1_000)]
    longest = scale_to_context(trace, 2048, max_output=2048).apply(trace[1])
    assert 2045 <= longest.prompt + longest.output <= 2048


def test_a_trace_that_fits_is_not_stretched() -> None:
    assert scale_to_context([Lengths(100, 10)], 2048, max_output=128).factor == 1.0


def test_outputs_are_capped_and_prompts_are_not() -> None:
    assert Scale(0.5, max_output=16).apply(Lengths(1_000, 1_000)) == Lengths(500, 16)


@given(st.lists(LENGTHS, min_size=1), st.integers(0, 50), st.text())
def test_one_seed_draws_one_sample(trace: list[Lengths], count: int, seed: str) -> None:
    scale = Scale(1.0, max_output=10**6)
    drawn = sample(trace, count, scale, seed)
    assert len(drawn) == count
    assert drawn == sample(trace, count, scale, seed)
    assert set(drawn) <= set(trace)


def test_another_seed_draws_another_sample() -> None:
    trace = [Lengths(n, n) for n in range(1, 1000)]
    scale = Scale(1.0, max_output=1000)
    assert sample(trace, 20, scale, "0") != sample(trace, 20, scale, "1")


def _trace_file(folder: Path, text: str) -> Path:
    path = folder / "trace.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_an_azure_trace_gives_its_lengths(tmp_path: Path) -> None:
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n"
    assert read_azure_trace(_trace_file(tmp_path, text)) == [Lengths(374, 44)]


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "TIMESTAMP,ContextTokens,GeneratedTokens\nx,many,few\n", ""]
)
def test_what_is_no_trace_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"trace\.csv\.gz"):
        read_azure_trace(_trace_file(tmp_path, text))


def test_a_missing_trace_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.csv\.gz"):
        read_azure_trace(tmp_path / "absent.csv.gz")
