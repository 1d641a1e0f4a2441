"""How kopf is used: it watches, and leaves everything else to us."""

import logging
from collections.abc import Iterator

import kopf

from pilotlight.kube.document import Kind
from pilotlight.kube.kubeconfig import Target

PREFIX = "pilotlight.dev"


class Endless:
    """Pauses between attempts, for ever: an API server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1, 1, 2, 3)
        while True:
            yield 5


class QuietLog(logging.Filter):
    """kopf's lines without the objects that it attaches to them."""

    def filter(self, record: logging.LogRecord) -> bool:
        for attached in ("settings", "k8s_skip", "k8s_ref"):
            record.__dict__.pop(attached, None)
        return True


def settings(finalizer: str) -> kopf.OperatorSettings:
    """How kopf shall behave.

    Args:
        finalizer: Its own, on objects with a daemon or a handler of their deletion.
    """
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True
    chosen.posting.enabled = False
    # Which kinds there are is waited for before; to watch for more would need more permissions.
    chosen.scanning.disabled = True
    chosen.persistence.finalizer = finalizer
    chosen.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX)
    chosen.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX)
    chosen.networking.error_backoffs = Endless()
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.background.cancellation_polling = 1
    chosen.background.instant_exit_timeout = 0.5
    chosen.process.ultimate_exiting_timeout = 60
    return chosen


def connection(target: Target) -> kopf.ConnectionInfo:
    """The same server and credentials that the rest of the process uses.

    Asked for again when they are refused: a service account's token changes.
    """
    configuration = target.configuration
    bearer = configuration.auth_settings().get("BearerToken", {}).get("value") or ""
    scheme, _, token = bearer.rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        default_namespace=target.namespace,
    )


def selector(kind: Kind) -> tuple[str, str, str]:
    """A kind as kopf names it."""
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.name
