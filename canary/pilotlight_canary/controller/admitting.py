"""The admission webhooks in this process: served in every replica, kept up by the leader."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import SECRET
from pilotlight_canary.admission.server import Admission, application
from pilotlight_canary.admission.tls import Certificate
from pilotlight_canary.admission.upkeep import Upkeep, user_of
from pilotlight_canary.admission.webhooks import ClientConfig, of_service
from pilotlight_canary.controller.enrolment import Enrolment
from pilotlight_canary.controller.settings import ControllerSettings


@dataclass
class Admitting:
    """The webhooks, as the settings want them.

    Args:
        settings: Of the process.
        cluster: Read only.
        namespace: Of the controller.
    """

    settings: ControllerSettings
    cluster: Cluster
    namespace: str

    def __post_init__(self) -> None:
        self._secret = Reference(SECRET, self.settings.admission_secret, self.namespace)
        self._user = user_of(self.namespace, self.settings.account)
        self.certificate = Certificate(self.cluster, self._secret)

    def application(self) -> web.Application:
        """What answers the API server."""
        return application(
            Admission(
                self.cluster,
                self._user,
                runtime_edits=self.settings.runtime_edits,
                has_prometheus=bool(self.settings.prometheus),
            )
        )

    def enrolment(self, writer: Cluster) -> Enrolment:
        """Keeps certificates and configurations up.

        Args:
            writer: Writes only while this process leads.
        """
        return Enrolment(
            Upkeep(
                writer,
                self._secret,
                self._user,
                self._hosts(),
                self._client(),
                self.settings.runtime_edits,
                self.settings.namespaces or (None,),
            )
        )

    def _hosts(self) -> Sequence[str]:
        if self.settings.admission_url:
            return (urlsplit(self.settings.admission_url).hostname or "localhost",)
        service = f"{self.settings.admission_service}.{self.namespace}.svc"
        return (service, f"{service}.cluster.local")

    def _client(self) -> ClientConfig:
        if base := self.settings.admission_url.rstrip("/"):
            return lambda path: _by_url(base + path)
        return of_service(self.namespace, self.settings.admission_service)


def _by_url(url: str) -> Document:
    return {"url": url}
