"""Reading GPUs through NVML, or saying once that there is none."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pilotlight_predictor.health.gpu import GpuReader, GpuReading

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


class NoGpus:
    """The reader of a machine without NVML."""

    def read(self) -> Sequence[GpuReading]:
        return ()


class NvmlReader:
    """Reads through an initialised NVML.

    In a container NVML shows only the devices that the container was given.

    Args:
        nvml: The module ``pynvml``.
    """

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._count: int = nvml.nvmlDeviceGetCount()

    def read(self) -> Sequence[GpuReading]:
        return [self._read(index) for index in range(self._count)]

    def _read(self, index: int) -> GpuReading:
        nvml = self._nvml
        try:
            device = nvml.nvmlDeviceGetHandleByIndex(index)
            memory = self._if_known(lambda: nvml.nvmlDeviceGetMemoryInfo(device))
            rates = self._if_known(lambda: nvml.nvmlDeviceGetUtilizationRates(device))
            return GpuReading(
                index=index,
                temperature_c=self._if_known(
                    lambda: float(nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU))
                ),
                memory_free_bytes=None if memory is None else memory.free,
                memory_total_bytes=None if memory is None else memory.total,
                utilisation=None if rates is None else rates.gpu / 100,
                uncorrectable_ecc_errors=self._if_known(
                    lambda: nvml.nvmlDeviceGetTotalEccErrors(
                        device, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
                    )
                ),
            )
        except nvml.NVMLError as error:
            _log.error("GPU %d cannot be read: %s", index, error)
            return GpuReading(index=index, lost=self._is_loss(error))

    def _if_known(self, ask: Callable[[], _T]) -> _T | None:
        """The value, or ``None`` where the device does not have it; a loss is passed on."""
        try:
            return ask()
        except self._nvml.NVMLError as error:
            if self._is_loss(error):
                raise
            return None

    def _is_loss(self, error: Any) -> bool:
        return error.value in (
            self._nvml.NVML_ERROR_GPU_IS_LOST,
            self._nvml.NVML_ERROR_RESET_REQUIRED,
        )


def find_gpus() -> GpuReader:
    """A reader of this machine's GPUs; without NVML one line in the log, and no readings."""
    try:
        import pynvml
    except ImportError as error:
        _log.warning("GPU health is not watched: %s", error)
        return NoGpus()
    try:
        pynvml.nvmlInit()
        return NvmlReader(pynvml)
    except pynvml.NVMLError as error:
        _log.warning("GPU health is not watched, NVML does not answer: %s", error)
        return NoGpus()
