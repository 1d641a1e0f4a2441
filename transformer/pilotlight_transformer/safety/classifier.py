"""A classifier outside, asked over HTTP: is this text all right?

It gets ``POST`` with ``{"text": ..., "side": "prompt"}`` and answers ``{"score": 0.93}`` or
``{"flagged": true}``, with status 200.
"""

import asyncio
from collections.abc import Iterable

import httpx
from prometheus_client import Histogram
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict

from pilotlight.errors import Unavailable
from pilotlight_transformer.safety.settings import ClassifierSettings, Side


class _Verdict(BaseModel):
    model_config = ConfigDict(strict=True)

    flagged: bool | None = None
    score: float | None = None


class Classifier:
    """Asks; opened by :meth:`start`."""

    def __init__(self, settings: ClassifierSettings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._seconds = Histogram(
            "pilotlight_transformer_classifier_seconds",
            "How long the classifier took to answer, or to fail",
            ["outcome"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=None,
        )

    async def start(self) -> None:
        """Open its connections; nothing is asked yet."""
        settings = self._settings
        headers = {}
        if settings.token is not None:
            headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self._client = httpx.AsyncClient(
            timeout=settings.timeout_s,
            headers=headers,
            limits=httpx.Limits(max_connections=settings.connections),
            trust_env=False,
            follow_redirects=False,
        )

    async def stop(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def objects(self, text: str, side: Side) -> bool:
        """Whether it finds fault with a text.

        Raises:
            Unavailable: It did not answer in time, or not as agreed, and the policy is to refuse.
        """
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                verdict = await self._ask(text, side)
        except (httpx.HTTPError, ValueError, TimeoutError):
            self._tell("failed", began)
            if self._settings.on_failure == "pass":
                return False
            raise Unavailable(
                "the text could not be checked, because the classifier does not answer: "
                "try again later",
                retry_after_s=self._settings.timeout_s,
            ) from None
        self._tell("flagged" if verdict else "ok", began)
        return verdict

    def collectors(self) -> Iterable[Collector]:
        """Its metrics."""
        return (self._seconds,)

    async def _ask(self, text: str, side: Side) -> bool:
        assert self._client is not None  # noqa: S101  # the step starts it first
        # Lone surrogates are no UTF-8: they go as question marks.
        sent = {"text": text.encode("utf-8", "replace").decode(), "side": side.value}
        response = await self._client.post(self._settings.url, json=sent)
        if response.status_code != 200:
            raise ValueError("not 200")
        verdict = _Verdict.model_validate_json(response.content)
        if verdict.flagged is not None:
            return verdict.flagged
        if verdict.score is None:
            raise ValueError("neither flagged nor score")
        return verdict.score >= self._settings.threshold

    def _tell(self, outcome: str, began: float) -> None:
        self._seconds.labels(outcome).observe(asyncio.get_running_loop().time() - began)
