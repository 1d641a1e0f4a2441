"""When GPUs make the predictor unready, and when they do not."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.health.gpu import GpuHealth, GpuLimits, GpuReading, decide
from pilotlight_predictor.health.nvml import NvmlReader, find_gpus

MIB = 1024**2
LIMITS = GpuLimits(
    too_hot_c=90,
    cool_again_c=80,
    too_little_free_bytes=100 * MIB,
    enough_free_bytes=200 * MIB,
    readings=3,
)
GOOD = GpuReading(
    index=0,
    temperature_c=60,
    memory_free_bytes=1000 * MIB,
    memory_total_bytes=80_000 * MIB,
    utilisation=0.9,
    uncorrectable_ecc_errors=0,
)


def after(*readings: GpuReading, start: GpuHealth | None = None) -> GpuHealth:
    health = start or GpuHealth()
    for reading in readings:
        health = decide(LIMITS, [reading], health)
    return health


def hot(celsius: float) -> GpuReading:
    return replace(GOOD, temperature_c=celsius)


def test_without_readings_all_is_well() -> None:
    assert decide(LIMITS, [], GpuHealth()).healthy


def test_a_device_that_tells_nothing_is_well() -> None:
    assert after(*[GpuReading(index=0)] * 10).healthy


@pytest.mark.parametrize(
    "bad", [hot(95), replace(GOOD, memory_free_bytes=10 * MIB)], ids=["hot", "memory"]
)
def test_a_level_must_be_bad_three_times_in_a_row(bad: GpuReading) -> None:
    assert after(bad, bad, GOOD, bad, bad).healthy
    assert not after(bad, bad, bad).healthy


def test_the_reason_names_the_device_and_the_value() -> None:
    assert after(hot(93), hot(94), hot(95)).reasons == ("GPU 0: too hot (95 °C)",)


def test_an_alarm_ends_only_well_below_the_level_that_raised_it() -> None:
    alarm = after(*[hot(95)] * 3)
    assert not after(*[hot(85)] * 10, start=alarm).healthy
    assert not after(*[hot(79)] * 2, start=alarm).healthy
    assert after(*[hot(79)] * 3, start=alarm).healthy


@pytest.mark.parametrize(
    "bad",
    [replace(GOOD, lost=True), replace(GOOD, uncorrectable_ecc_errors=1)],
    ids=["lost", "ecc"],
)
def test_a_device_that_cannot_be_trusted_is_out_at_once_and_for_good(bad: GpuReading) -> None:
    assert not after(bad).healthy
    assert not after(bad, *[GOOD] * 20).healthy


def test_a_device_that_is_not_read_any_more_keeps_its_alarm() -> None:
    alarm = after(replace(GOOD, lost=True))
    assert not decide(LIMITS, [replace(GOOD, index=1)], alarm).healthy


def test_one_sick_device_of_many_is_enough() -> None:
    health = decide(LIMITS, [GOOD, replace(GOOD, index=7, lost=True)], GpuHealth())
    assert health.reasons == ("GPU 7: lost",)


@given(st.lists(st.floats(0, 120), min_size=1, max_size=60))
def test_readiness_changes_only_after_enough_readings_that_ask_for_it(
    celsius: list[float],
) -> None:
    health, since = GpuHealth(), 0
    for at, value in enumerate(celsius):
        next_health = decide(LIMITS, [hot(value)], health)
        if next_health.healthy != health.healthy:
            run = celsius[at - LIMITS.readings + 1 : at + 1]
            assert at + 1 - since >= LIMITS.readings
            assert all(v <= 80 for v in run) if next_health.healthy else all(v >= 90 for v in run)
            since = at + 1
        health = next_health


class NvmlError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"NVML error {value}")
        self.value = value


def nvml(**answers: Callable[[], Any]) -> SimpleNamespace:
    """NVML with one device: no machine can be asked to lose its GPU."""

    def ask(name: str) -> Callable[..., Any]:
        return lambda *_: answers[name]()

    names = {
        "nvmlDeviceGetHandleByIndex": "handle",
        "nvmlDeviceGetMemoryInfo": "memory",
        "nvmlDeviceGetUtilizationRates": "rates",
        "nvmlDeviceGetTemperature": "temperature",
        "nvmlDeviceGetTotalEccErrors": "ecc",
    }
    return SimpleNamespace(
        NVMLError=NvmlError,
        NVML_ERROR_GPU_IS_LOST=15,
        NVML_ERROR_RESET_REQUIRED=16,
        NVML_TEMPERATURE_GPU=0,
        NVML_MEMORY_ERROR_TYPE_UNCORRECTED=1,
        NVML_VOLATILE_ECC=0,
        nvmlDeviceGetCount=lambda: 1,
        **{function: ask(name) for function, name in names.items()},
    )


def fails(value: int) -> Callable[[], Any]:
    def answer() -> Any:
        raise NvmlError(value)

    return answer


HEALTHY: dict[str, Callable[[], Any]] = {
    "handle": lambda: 1,
    "memory": lambda: SimpleNamespace(free=1000 * MIB, total=80_000 * MIB),
    "rates": lambda: SimpleNamespace(gpu=90),
    "temperature": lambda: 60,
    "ecc": lambda: 0,
}


def test_nvml_is_read_in_the_units_of_a_reading() -> None:
    assert NvmlReader(nvml(**HEALTHY)).read() == [GOOD]


def test_what_a_device_does_not_have_is_unknown() -> None:
    (reading,) = NvmlReader(nvml(**HEALTHY | {"ecc": fails(3), "rates": fails(3)})).read()
    assert reading == replace(GOOD, uncorrectable_ecc_errors=None, utilisation=None)


@pytest.mark.parametrize("code", [15, 16])
@pytest.mark.parametrize("where", ["handle", "temperature"])
def test_a_device_that_is_gone_is_lost(code: int, where: str) -> None:
    (reading,) = NvmlReader(nvml(**HEALTHY | {where: fails(code)})).read()
    assert reading == GpuReading(index=0, lost=True)


def test_without_nvml_one_line_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynvml

    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    reader = find_gpus()
    assert [list(reader.read()) for _ in range(3)] == [[], [], []]
    assert len(caplog.records) == 1
    assert "not watched" in caplog.text
