"""Messages to people's chat, in the form that Slack's incoming webhooks take."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable

import aiohttp

from pilotlight.announcement import Announcement, Severity
from pilotlight.api.meta import KeyReference
from pilotlight.api.rollout import InferenceRollout
from pilotlight.errors import ClusterError, PilotlightError
from pilotlight.kube.cluster import Reader
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import SECRET

logger = logging.getLogger(__name__)

DEADLINE_S = 10.0
ATTEMPTS = 3
COLORS = {Severity.NORMAL: "good", Severity.WARNING: "danger"}


def message(rollout: InferenceRollout, announcement: Announcement) -> dict[str, object]:
    """One announcement, as Slack, Mattermost and Rocket.Chat show it."""
    status = rollout.status
    title = f"{rollout.metadata.namespace}/{rollout.metadata.name}: {announcement.reason}"
    fields = {
        "Target": rollout.spec.target_ref.name,
        "Phase": status.phase.value,
        "Stable": status.stable_revision,
        "Canary": status.canary_revision,
        "Weight": f"{status.weight} %",
    }
    return {
        "text": title,
        "attachments": [
            {
                "color": COLORS[announcement.severity],
                "text": announcement.message,
                "fallback": f"{title}: {announcement.message}",
                "fields": [
                    {"title": name, "value": value, "short": True}
                    for name, value in fields.items()
                    if value
                ],
            }
        ],
    }


class Notifier:
    """Sends messages beside the loop: a chat that is down holds nothing up.

    Args:
        cluster: Has the Secrets with the URLs.
        session: Of the process.
        on_result: Told whether a message arrived.
    """

    def __init__(
        self, cluster: Reader, session: aiohttp.ClientSession, on_result: Callable[[bool], None]
    ) -> None:
        self._cluster = cluster
        self._session = session
        self._on_result = on_result
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, rollout: InferenceRollout, announcement: Announcement) -> None:
        """Have a message sent to each of the rollout's receivers."""
        for notification in rollout.spec.notifications:
            sending = asyncio.create_task(
                self._send(rollout, notification.url_from, message(rollout, announcement))
            )
            self._under_way.add(sending)
            sending.add_done_callback(self._under_way.discard)

    async def drain(self, timeout_s: float) -> None:
        """Wait for those under way, for so long."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=timeout_s)

    async def _send(
        self, rollout: InferenceRollout, where: KeyReference, body: dict[str, object]
    ) -> None:
        name = f"{rollout.metadata.namespace}/{rollout.metadata.name}"
        try:
            async with asyncio.timeout(DEADLINE_S * ATTEMPTS):
                url = await asyncio.to_thread(
                    secret_value, self._cluster, rollout.metadata.namespace, where
                )
                await self._post(url, body)
        # Its URL is a secret: errors that would name it are told by their kind.
        except PilotlightError as error:
            logger.warning("%s: not notified: %s", name, error)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            why = type(error).__name__
            logger.warning("%s: not notified: %s with the URL of %s", name, why, where.name)
        else:
            self._on_result(True)
            return
        self._on_result(False)

    async def _post(self, url: str, body: dict[str, object]) -> None:
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._session.post(
                    url, json=body, timeout=timeout, allow_redirects=False
                ) as answer:
                    if 200 <= answer.status < 300:
                        return
                    if answer.status < 500 or attempt == ATTEMPTS:
                        raise ClusterError(f"the chat answers HTTP {answer.status}")
            except (TimeoutError, aiohttp.ClientError):
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(2 ** (attempt - 1))


def secret_value(cluster: Reader, namespace: str, key: KeyReference) -> str:
    """What a Secret has under a key.

    Raises:
        ClusterError: There is no such Secret or key, or it is not text.
    """
    document = cluster.get(Reference(SECRET, key.name, namespace))
    encoded = (document.get("data") or {}).get(key.key)
    if encoded is None:
        raise ClusterError(f"Secret {key.name} in namespace {namespace} has no key {key.key}")
    try:
        return base64.b64decode(encoded, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ClusterError(f"key {key.key} of Secret {key.name} is not text") from error
