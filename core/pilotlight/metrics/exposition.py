"""Reading Prometheus' text format within a deadline and a size."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pilotlight.errors import MetricsUnavailable

LARGEST = 32 * 2**20


@dataclass(frozen=True)
class Sample:
    """One line of an exposition, or one series of Prometheus' answer."""

    name: str
    labels: Mapping[str, str]
    value: float


def fetch(
    client: httpx.Client,
    url: str,
    deadline_s: float,
    *,
    parameters: dict[str, str] | None = None,
    data: dict[str, str] | None = None,
) -> httpx.Response:
    """Ask for a whole answer; one that trickles in ends at the deadline too.

    Args:
        client: Keeps the connections.
        url: Of the resource.
        deadline_s: Seconds for all of it.
        parameters: Of a GET.
        data: A form: then it is a POST.

    Raises:
        MetricsUnavailable: No answer, not in time, or too large a one.
    """
    end_s = time.monotonic() + deadline_s
    method = "POST" if data is not None else "GET"
    try:
        with client.stream(
            method, url, params=parameters, data=data, timeout=deadline_s
        ) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if time.monotonic() > end_s:
                    raise MetricsUnavailable(f"{url}: no whole answer within {deadline_s:g} s")
                if len(body) > LARGEST:
                    raise MetricsUnavailable(f"{url}: the answer is over {LARGEST} bytes")
            headers = {"content-type": response.headers.get("content-type", "")}
            return httpx.Response(response.status_code, content=bytes(body), headers=headers)
    except httpx.HTTPError as error:
        raise MetricsUnavailable(f"{url}: {type(error).__name__} {error}".rstrip()) from error


def samples(text: str, wanted: Container[str]) -> list[Sample]:
    """The samples with wanted names.

    Raises:
        MetricsUnavailable: It is not Prometheus' text format.
    """
    lines = [line for line in text.splitlines() if line and _name(line) in wanted]
    try:
        return [
            Sample(sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families("\n".join(lines) + "\n")
            for sample in family.samples
        ]
    except ValueError as error:
        raise MetricsUnavailable(f"this is not Prometheus' text format: {error}") from error


def _name(line: str) -> str:
    return line.split("{", 1)[0].split(" ", 1)[0]
