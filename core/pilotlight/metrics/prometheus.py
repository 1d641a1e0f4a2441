"""Prometheus' query API (prometheus.io/docs/prometheus/latest/querying/api)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from pilotlight.errors import MetricsUnavailable
from pilotlight.metrics.exposition import fetch


@dataclass(frozen=True)
class Series:
    """Labels, with ``__name__``, and ``(seconds since the epoch, value)`` in order of time."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last point's."""
        return self.points[-1][1]


class Prometheus:
    """One server.

    Args:
        url: Its address, as in ``spec.metricsServer``.
        deadline_s: Seconds for one query.
    """

    def __init__(self, url: str, deadline_s: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._deadline_s = deadline_s
        self._client = httpx.Client(timeout=deadline_s)

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def at(self, query: str, at: float) -> list[Series]:
        """Every series of an instant vector; a scalar is one series without labels.

        Raises:
            MetricsUnavailable: No answer, or the query is wrong.
        """
        answer = self._ask("query", {"query": query, "time": f"{at:.3f}"})
        if answer["resultType"] == "scalar":
            return [Series({}, (_point(answer["result"]),))]
        if answer["resultType"] != "vector":
            raise MetricsUnavailable(
                f"the query {query} gives a {answer['resultType']}: make it an instant vector"
            )
        return [Series(entry["metric"], (_point(entry["value"]),)) for entry in answer["result"]]

    def scraped(self, selector: str, seconds: int, at: float) -> list[Series]:
        """Every sample of a selector's series in the last ``seconds``, as it was scraped.

        Its times are those of the scrapes, and nothing is carried over from before.

        Raises:
            MetricsUnavailable: No answer, or the selector is wrong.
        """
        answer = self._ask("query", {"query": f"{selector}[{seconds}s]", "time": f"{at:.3f}"})
        return _many(answer)

    def over(self, query: str, start: float, end: float, step_s: float) -> list[Series]:
        """Every series of a query, evaluated every ``step_s`` seconds.

        Raises:
            MetricsUnavailable: No answer, or the query is wrong.
        """
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step_s:.3f}"}
        return _many(self._ask("query_range", {"query": query, **times}))

    def _ask(self, what: str, form: dict[str, str]) -> dict[str, Any]:
        limit = f"{self._deadline_s:g}s"
        url = f"{self._url}/api/v1/{what}"
        response = fetch(self._client, url, self._deadline_s, data={**form, "timeout": limit})
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or "status" not in body:
            raise MetricsUnavailable(
                f"{url} answered {response.status_code}, and not as Prometheus does"
            )
        if body["status"] != "success":
            raise MetricsUnavailable(f"Prometheus refused {form['query']!r}: {body.get('error')}")
        data: dict[str, Any] = body["data"]
        return data


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _many(answer: dict[str, Any]) -> list[Series]:
    return [
        Series(entry["metric"], tuple(_point(value) for value in entry["values"]))
        for entry in answer["result"]
    ]
