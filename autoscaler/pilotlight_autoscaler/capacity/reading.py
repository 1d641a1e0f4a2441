"""Profiles from files: our own YAML, and raw results of two load generators."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from pilotlight.errors import UsageError
from pilotlight_autoscaler.capacity.bench_result import BenchResult
from pilotlight_autoscaler.capacity.configuration import Configuration, Lengths, Point
from pilotlight_autoscaler.capacity.profile import ConfigurationEntry, Measured, Profile
from pilotlight_autoscaler.capacity.vllm_result import VllmResult

Document = TypeVar("Document", Profile, VllmResult, BenchResult)
Sweep = tuple[Lengths, tuple[Point, ...], tuple[str, ...]]


def read(paths: Sequence[Path]) -> tuple[str, tuple[Configuration, ...]]:
    """The model's name and its configurations.

    Args:
        paths: One profile; or one result of ``pilotlight bench run predictor``; or any number of
            results of ``vllm bench serve --save-result``, or folders of them, which are one
            configuration together.

    Raises:
        UsageError: A file cannot be read as any of these.
    """
    paths = _files(paths)
    documents = [_load(path) for path in paths]
    first = documents[0]
    if "configurations" in first:
        if len(paths) > 1:
            raise UsageError("give one profile, or only results of `vllm bench serve`")
        profile = _valid(Profile, first, paths[0])
        return profile.model, tuple(
            _configuration(entry, paths[0]) for entry in profile.configurations
        )
    if "rows" in first:
        return "", (_from_bench(first, paths[0]),)
    results = [_valid(VllmResult, each, path) for each, path in zip(documents, paths, strict=True)]
    return results[0].model_id, (_from_vllm(results),)


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path} is a folder without *.json")
        files += inside
    return files


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(
            f"{path} is no profile: docs/capacity.md shows one; results of "
            "`vllm bench serve --save-result` are read too"
        )
    return document


def _valid(kind: type[Document], document: dict[str, Any], path: Path) -> Document:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{path}: {where + ': ' if where else ''}{what}") from error


def _configuration(entry: ConfigurationEntry, path: Path) -> Configuration:
    lengths, points, notes = _sweep(entry.measured, path)
    if not points and (
        entry.prefill_tokens_per_second is None or entry.decode_tokens_per_second is None
    ):
        raise UsageError(
            f"{path}: {entry.name} has neither measured points nor prefillTokensPerSecond and "
            "decodeTokensPerSecond"
        )
    return Configuration(
        name=entry.name,
        gpu=entry.gpu,
        gpus=entry.gpus_per_replica or entry.tensor_parallel,
        tensor_parallel=entry.tensor_parallel,
        lengths=lengths,
        points=points,
        price_per_gpu_hour=entry.price_per_gpu_hour,
        start_s=entry.start_seconds,
        kv_cache_tokens=entry.kv_cache_tokens,
        max_num_seqs=entry.max_num_seqs,
        prefill_tokens_per_s=entry.prefill_tokens_per_second,
        decode_tokens_per_s=entry.decode_tokens_per_second,
        notes=entry.notes + notes,
    )


def _sweep(measured: Measured, path: Path) -> Sweep:
    if measured.files:
        files = [path.parent / each for each in measured.files]
        results = [_valid(VllmResult, _load(each), each) for each in files]
        return _merged(results)
    lengths = Lengths(measured.prompt_tokens or 0, measured.output_tokens or 0)
    ratio = measured.p99_over_mean
    points = [
        Point(
            concurrency=each.concurrency,
            output_tokens_per_s=each.output_tokens_per_second,
            ttft_p99_s=_seconds(each.ttft_p99_ms, each.ttft_mean_ms, ratio.ttft if ratio else 1),
            tpot_p99_s=_seconds(each.tpot_p99_ms, each.tpot_mean_ms, ratio.tpot if ratio else 1),
            e2e_p99_s=None if each.e2e_p99_ms is None else each.e2e_p99_ms / 1e3,
        )
        for each in measured.points
    ]
    notes: tuple[str, ...] = ()
    if ratio and any(
        each.ttft_p99_ms is None or each.tpot_p99_ms is None for each in measured.points
    ):
        notes = (
            f"99th percentiles are means times {ratio.ttft:g} (TTFT) and {ratio.tpot:g} (TPOT)",
        )
    return lengths, _rising(points, path), notes + _strange(measured)


def _strange(measured: Measured) -> tuple[str, ...]:
    """Points whose own means contradict their concurrency (Little's law)."""
    notes = []
    for each in measured.points:
        if each.ttft_mean_ms is None or each.tpot_mean_ms is None or not measured.output_tokens:
            continue
        whole_s = (each.ttft_mean_ms + each.tpot_mean_ms * (measured.output_tokens - 1)) / 1e3
        in_flight = each.output_tokens_per_second / measured.output_tokens * whole_s
        if abs(in_flight / each.concurrency - 1) > 0.15:
            notes.append(
                f"at a concurrency of {each.concurrency:g}, throughput and mean times say that "
                f"{in_flight:,.0f} were in flight (Little's law): one of the figures is wrong"
            )
    return tuple(notes)


def _seconds(percentile_ms: float | None, mean_ms: float | None, ratio: float) -> float:
    if percentile_ms is not None:
        return percentile_ms / 1e3
    return (mean_ms or 0.0) * ratio / 1e3


def _rising(points: Sequence[Point], path: Path) -> tuple[Point, ...]:
    ordered = sorted(points, key=lambda point: point.concurrency)
    for one, other in pairwise(ordered):
        if one.concurrency == other.concurrency:
            raise UsageError(f"{path}: concurrency {one.concurrency:g} was measured twice")
    return tuple(ordered)


def _merged(results: Sequence[VllmResult]) -> Sweep:
    """All results of one sweep; their lengths must be alike."""
    lengths = [result.lengths for result in results]
    for each in lengths:
        if not each.near(lengths[0]):
            raise UsageError(
                f"results with requests of different size ({lengths[0]}; {each}) are no one sweep"
            )
    tokens = sum(result.completed for result in results)
    mean = Lengths(
        sum(result.total_input_tokens for result in results) / tokens,
        sum(result.total_output_tokens for result in results) / tokens,
    )
    pairs = [result.point() for result in results]
    points = _rising([point for point, _ in pairs], Path("the results"))
    return mean, points, tuple(note for _, notes in pairs for note in notes)


def _from_vllm(results: Sequence[VllmResult]) -> Configuration:
    lengths, points, notes = _merged(results)
    blank = Configuration("measured", "GPU", 1, 1, lengths, points)
    return replace(blank, notes=notes)


def _from_bench(document: dict[str, Any], path: Path) -> Configuration:
    result = _valid(BenchResult, document, path)
    try:
        lengths, points = result.points()
    except (ValueError, IndexError) as error:
        raise UsageError(f"{path}: {error}") from error
    fewest = min(len(row.requests) for row in result.rows if row.concurrency)
    notes = ("few requests a point: its 99th percentile is the slowest of them",)
    return Configuration(
        "measured", "CPU", 1, 1, lengths, points, notes=notes if fewest < 100 else ()
    )
