"""TLS whose certificate may change while connections come in."""

import asyncio
import logging
import os
import ssl
import tempfile
from pathlib import Path

from pilotlight.certificates import Signed
from pilotlight.errors import ClusterError, PilotlightError
from pilotlight.kube.cluster import Reader
from pilotlight.kube.document import Reference
from pilotlight_canary.admission.certificates import read

logger = logging.getLogger(__name__)

INTERVAL_S = 10.0
# Until the leader of a new installation has made the certificate.
FIRST_INTERVAL_S = 1.0


class Certificate:
    """A server's TLS context that follows a Secret.

    Args:
        cluster: Where the Secret is; read only.
        secret: Which one.
    """

    def __init__(self, cluster: Reader, secret: Reference) -> None:
        self._cluster = cluster
        self._secret = secret
        self._shown: Signed | None = None
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    @property
    def is_there(self) -> bool:
        """Whether a handshake can succeed: what readiness depends on."""
        return self._shown is not None

    def look(self) -> bool:
        """Show what the Secret holds now, to connections that come from now on.

        Returns:
            Whether it is another certificate than before.

        Raises:
            ClusterError: The Secret cannot be read, or holds no certificate yet.
        """
        found = read(self._cluster.get(self._secret).get("data"))
        if found is None:
            raise ClusterError(f"{self._secret} holds no certificate yet: the leader makes it")
        if found.serving == self._shown:
            return False
        _load(self.context, found.serving)
        self._shown = found.serving
        return True

    async def follow(self) -> None:
        """Look now and then, until cancelled; a Secret that cannot be read changes nothing."""
        said = ""
        while True:
            try:
                if await asyncio.to_thread(self.look):
                    logger.info("the webhooks show the certificate of %s", self._secret)
                said = ""
            except PilotlightError as error:
                if str(error) != said:
                    logger.warning("no new certificate: %s", error)
                said = str(error)
            await asyncio.sleep(INTERVAL_S if self.is_there else FIRST_INTERVAL_S)


def _load(context: ssl.SSLContext, signed: Signed) -> None:
    """OpenSSL takes files only; this one is in memory where the system allows it."""
    content = signed.key + signed.certificate
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate")
        try:
            os.write(descriptor, content)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "certificate.pem"
        file.touch(0o600)
        file.write_bytes(content)
        context.load_cert_chain(file)
