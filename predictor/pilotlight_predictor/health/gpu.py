"""GPU health: what makes a device unfit to serve, and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One device at one moment. ``None``: the device does not tell.

    Args:
        index: NVML's index.
        temperature_c: Of the GPU, in degrees Celsius.
        memory_free_bytes: Free device memory.
        memory_total_bytes: All device memory.
        utilisation: Share of the last sample period in which a kernel ran, 0 to 1.
        uncorrectable_ecc_errors: Since the driver was loaded or the device was reset.
        lost: The device fell off the bus or needs a reset.
    """

    index: int
    temperature_c: float | None = None
    memory_free_bytes: int | None = None
    memory_total_bytes: int | None = None
    utilisation: float | None = None
    uncorrectable_ecc_errors: int | None = None
    lost: bool = False


class GpuReader(Protocol):
    """Reads all devices that this process may use."""

    def read(self) -> Sequence[GpuReading]:
        """One reading for each device. May block for milliseconds; does not raise."""
        ...


@dataclass(frozen=True, slots=True)
class GpuLimits:
    """When a device is unfit.

    Each level has two bounds, one to raise the alarm and one to end it, and each must be seen
    ``readings`` times in a row: a value that swings around a bound does not flap readiness.

    Args:
        too_hot_c: Raises the alarm. Data-centre GPUs slow down between 85 and 95 degrees.
        cool_again_c: Ends it.
        too_little_free_bytes: Raises the alarm. vLLM takes nearly all memory for itself: what
            is left must do for cuBLAS and NCCL workspaces.
        enough_free_bytes: Ends it.
        max_uncorrectable_ecc_errors: More are an alarm that stays: only a reset of the device
            sets the counter back.
        readings: Readings in a row before a level's alarm changes.
    """

    too_hot_c: float = 92.0
    cool_again_c: float = 85.0
    too_little_free_bytes: int = 64 * 1024**2
    enough_free_bytes: int = 128 * 1024**2
    max_uncorrectable_ecc_errors: int = 0
    readings: int = 3


class Fault(StrEnum):
    """What can be wrong with a device."""

    HOT = "too hot"
    MEMORY = "memory nearly full"
    ECC = "uncorrectable ECC errors"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One fault of one device.

    Args:
        raised: The fault counts.
        against: Readings in a row that spoke against ``raised``.
        detail: The last value that counted, in words.
    """

    raised: bool = False
    against: int = 0
    detail: str = ""


AlarmKey = tuple[int, Fault]


@dataclass(frozen=True, slots=True)
class GpuHealth:
    """The verdict, and what the next one must remember."""

    healthy: bool = True
    reasons: tuple[str, ...] = ()
    alarms: Mapping[AlarmKey, Alarm] = field(default_factory=dict)


def decide(limits: GpuLimits, readings: Sequence[GpuReading], previous: GpuHealth) -> GpuHealth:
    """Judge the devices.

    Without readings (no NVML) all is well: there is nothing to say. An alarm about a device
    that is not in ``readings`` any more stays.
    """
    alarms = dict(previous.alarms)
    for reading in readings:
        for fault, signal in _signals(limits, reading).items():
            key = (reading.index, fault)
            alarms[key] = _next(limits, fault, alarms.get(key, Alarm()), signal)
    reasons = tuple(
        f"GPU {index}: {fault.value}" + (f" ({alarm.detail})" if alarm.detail else "")
        for (index, fault), alarm in sorted(alarms.items())
        if alarm.raised
    )
    return GpuHealth(healthy=not reasons, reasons=reasons, alarms=alarms)


@dataclass(frozen=True, slots=True)
class _Signal:
    """Whether a value raises an alarm, ends one, or (between the bounds) does neither."""

    bad: bool
    good: bool
    detail: str


def _signals(limits: GpuLimits, reading: GpuReading) -> dict[Fault, _Signal]:
    """What a reading says about each fault; a value that is not known says nothing."""
    signals = {Fault.LOST: _Signal(reading.lost, not reading.lost, "")}
    if (celsius := reading.temperature_c) is not None:
        signals[Fault.HOT] = _Signal(
            celsius >= limits.too_hot_c, celsius <= limits.cool_again_c, f"{celsius:.0f} °C"
        )
    if (free := reading.memory_free_bytes) is not None:
        signals[Fault.MEMORY] = _Signal(
            free <= limits.too_little_free_bytes,
            free >= limits.enough_free_bytes,
            f"{free / 1024**2:.0f} MiB free",
        )
    if (errors := reading.uncorrectable_ecc_errors) is not None:
        bad = errors > limits.max_uncorrectable_ecc_errors
        signals[Fault.ECC] = _Signal(bad, not bad, str(errors))
    return signals


def _next(limits: GpuLimits, fault: Fault, alarm: Alarm, signal: _Signal) -> Alarm:
    if fault in (Fault.LOST, Fault.ECC):
        # Memory that gave a wrong value, or a device that was gone, is not trusted again.
        return alarm if alarm.raised or not signal.bad else Alarm(True, 0, signal.detail)
    detail = signal.detail if signal.bad or not alarm.raised else alarm.detail
    if not (signal.good if alarm.raised else signal.bad):
        return Alarm(alarm.raised, 0, detail)
    if alarm.against + 1 >= limits.readings:
        return Alarm(not alarm.raised, 0, detail)
    return Alarm(alarm.raised, alarm.against + 1, detail)
