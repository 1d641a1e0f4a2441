"""A trace as text, small enough for a ConfigMap, so that a restart does not forget it."""

import base64
import json
import zlib
from dataclasses import asdict

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pilotlight.errors import OperationError
from pilotlight_autoscaler.metrics.history import BINS, LINES, History, pack
from pilotlight_autoscaler.metrics.trace import GAPS, REPLICAS, Progress, Trace, Wakes

VERSION = 1
LARGEST = 900 * 1024
"""Bytes; the API server takes 1 MiB of an object."""
FLOAT_BYTES = 4


class SketchUnreadable(OperationError):
    """What was kept is damaged, or of another version."""


class _Wakes(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    waiting: float = 0.0
    people: float = 0.0
    count: int = 0
    asleep: bool = False


class _Progress(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    at: float | None = None
    requests: dict[str, float] = Field({}, max_length=REPLICAS)
    concurrency: float = 0.0
    idle_since_s: float | None = None
    whole: bool = True
    gaps_s: tuple[float, ...] = Field((), max_length=GAPS)
    total: float = 0.0
    wakes: _Wakes = _Wakes()
    starts: dict[str, float] = {}


class _Sketch(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    version: int
    service: str
    first: int = Field(ge=0)
    length: int = Field(ge=0, le=BINS)
    lines: str
    progress: _Progress


def written(trace: Trace, service: str) -> str:
    """A trace as text of at most ``LARGEST`` bytes; of a longer one the newest half is kept.

    Args:
        trace: What is to be kept.
        service: Of which InferenceService.
    """
    history, kept = trace.history, trace.history.length
    while True:
        text = json.dumps(
            {
                "version": VERSION,
                "service": service,
                "first": history.first + history.length - kept,
                "length": kept,
                "lines": base64.b64encode(pack(history, kept).data).decode(),
                "progress": asdict(trace.progress),
            },
            separators=(",", ":"),
        )
        if len(text) <= LARGEST or not kept:
            return text
        kept //= 2


def read(text: str, service: str) -> Trace:
    """What :func:`written` wrote.

    Raises:
        SketchUnreadable: It is not that, or of another service.
    """
    try:
        found = _Sketch.model_validate_json(text)
        if found.version != VERSION:
            raise SketchUnreadable(f"it is of version {found.version}, not {VERSION}")
        if found.service != service:
            raise SketchUnreadable(f"it is of {found.service}, not of {service}")
        arrivals, work, watched = _unpacked(found.lines, found.length)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SketchUnreadable(f"{where or 'it'}: {first['msg']}") from error
    told = found.progress.model_dump()
    wakes = Wakes(**told.pop("wakes"))
    history = History(found.first, found.length, arrivals, work, watched)
    return Trace(history, Progress(**told, wakes=wakes))


def _unpacked(text: str, length: int) -> list["np.ndarray[tuple[int], np.dtype[np.float32]]"]:
    size = len(LINES) * FLOAT_BYTES * length
    try:
        decoder = zlib.decompressobj()
        # No more than it should be: a few damaged bytes can stand for gigabytes.
        data = decoder.decompress(base64.b64decode(text, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise SketchUnreadable(f"its bins are damaged: {error}") from error
    if len(data) != size or not decoder.eof:
        raise SketchUnreadable(f"its bins are {len(data)} bytes, not {size}")
    found = np.frombuffer(data, "<f4").astype(np.float32).reshape(len(LINES), length)
    if not np.isfinite(found).all() or (found < 0).any():
        raise SketchUnreadable("its bins hold what is no number of requests")
    return [line.copy() for line in found]
