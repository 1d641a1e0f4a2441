"""One call to the API server, with a deadline."""

import json
from collections.abc import Mapping
from typing import Any

from pilotlight.errors import ClusterError, UsageError
from pilotlight.kube.document import Document
from pilotlight.kube.kubeconfig import Target
from pilotlight.kube.refusal import refusal, silence

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"


class Transport:
    """Calls an API server.

    Args:
        target: Where it is and as whom to call it.
        timeout_s: Seconds that one call may take to connect, and again to answer.
        impersonate: A user to act as; the caller needs the permission for that.
    """

    def __init__(self, target: Target, timeout_s: float, impersonate: str | None = None) -> None:
        from kubernetes.client import ApiClient
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        self.origin = f"{impersonate} (by {target.origin})" if impersonate else target.origin
        self.server: str = target.configuration.host
        self._timeout_s = timeout_s
        if not target.configuration.verify_ssl:
            # The kubeconfig says so; a warning with every call would not change its mind.
            disable_warnings(InsecureRequestWarning)
        # Whether to try again is for the caller to say: a retry here would double the deadline.
        target.configuration.retries = False
        self._client = ApiClient(target.configuration)
        if impersonate:
            self._client.set_default_header("Impersonate-User", impersonate)

    def call(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object | None = None,
        content: str = JSON,
    ) -> Document:
        """Ask, and return the answer.

        Raises:
            ClusterError: No answer, or a refusal; ``doing`` says in the message what was asked.
            ManifestError: The API server finds fault with ``body``.
        """
        status, answer = self._ask(method, path, doing, query or {}, body, content)
        if not 200 <= status < 300:
            raise refusal(status, answer, doing, self.origin)
        try:
            document: Any = json.loads(answer)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ClusterError(f"cannot {doing}: {self.server} does not answer like Kubernetes")
        return document

    def close(self) -> None:
        self._client.close()

    def _ask(
        self,
        method: str,
        path: str,
        doing: str,
        query: Mapping[str, str],
        body: object | None,
        content: str,
    ) -> tuple[int, bytes]:
        from kubernetes.client import ApiException
        from kubernetes.config.config_exception import ConfigException
        from urllib3.exceptions import HTTPError

        try:
            _, url, headers, payload, _ = self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params={"Accept": JSON, "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.rest_client.request(
                method,
                url,
                headers=headers,
                body=payload,
                _request_timeout=(self._timeout_s, self._timeout_s),
            )
            return response.status, response.read()
        except ConfigException as error:
            raise UsageError(f"the credentials of {self.origin} cannot be used: {error}") from error
        except (HTTPError, OSError, ApiException) as error:
            why = getattr(error, "reason", None) or error
            raise silence(self.server, str(why), doing, self.origin) from error
