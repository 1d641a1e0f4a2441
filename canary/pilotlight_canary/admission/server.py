"""The webhooks over HTTP: one route for each kind that they look at."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.admission.answer import Answer, Question, question_of, review_of
from pilotlight_canary.admission.rollouts import admit_rollout
from pilotlight_canary.admission.runtimes import RuntimeEdits, admit_runtime
from pilotlight_canary.admission.services import admit_service
from pilotlight_canary.admission.tls import Certificate
from pilotlight_canary.admission.world import World

logger = logging.getLogger(__name__)

SERVICES_PATH = "/admission/inferenceservices"
ROLLOUTS_PATH = "/admission/inferencerollouts"
RUNTIMES_PATH = "/admission/runtimes"
# Of one answer; as the configurations say.
TIMEOUT_S = 10
# The API server takes no object over 3 MB; a review carries it twice.
LARGEST_REVIEW = 8 * 1024 * 1024


@dataclass(frozen=True)
class Admission:
    """What the webhooks need to answer.

    Args:
        cluster: Read only.
        controller: The user as whom the controller writes.
        runtime_edits: What becomes of edits that reach enrolled services untested.
        has_prometheus: Whether the controller knows one for rollouts that name none.
    """

    cluster: Cluster
    controller: str
    runtime_edits: RuntimeEdits = RuntimeEdits.REFUSE
    has_prometheus: bool = False

    def service(self, question: Question) -> Answer:
        return admit_service(question, World(self.cluster), self.controller)

    def rollout(self, question: Question) -> Answer:
        return admit_rollout(question, World(self.cluster), has_prometheus=self.has_prometheus)

    def runtime(self, question: Question) -> Answer:
        return admit_runtime(question, World(self.cluster), self.runtime_edits)


async def serve(
    admission: Admission, certificate: Certificate, host: str, port: int
) -> tuple[web.AppRunner, int]:
    """Answer over TLS; the runner to clean up, and the port.

    Beside it somebody has to run ``certificate.follow()``: handshakes fail until that has found
    the certificate, and so does readiness (``certificate.is_there``).
    """
    runner = web.AppRunner(application(admission), access_log=None, shutdown_timeout=TIMEOUT_S)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=certificate.context).start()
    return runner, int(runner.addresses[0][1])


def application(admission: Admission) -> web.Application:
    """An application of its own for the TLS port."""
    app = web.Application(client_max_size=LARGEST_REVIEW)
    app.add_routes(routes(admission))
    return app


def routes(admission: Admission) -> list[web.RouteDef]:
    """The webhooks' routes, for an application that takes bodies of ``LARGEST_REVIEW``."""
    return [
        web.post(SERVICES_PATH, _handler(admission.service)),
        web.post(ROLLOUTS_PATH, _handler(admission.rollout)),
        web.post(RUNTIMES_PATH, _handler(admission.runtime)),
    ]


def _handler(
    decide: Callable[[Question], Answer],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            question = question_of(json.loads(await request.read()))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        try:
            answer = await asyncio.to_thread(decide, question)
        except PilotlightError as error:
            # The API server adds it to its own "failed calling webhook".
            logger.warning("no answer on %s/%s: %s", question.namespace, question.name, error)
            raise web.HTTPInternalServerError(text=str(error)) from error
        if answer.refusal:
            logger.info("refused %s/%s: %s", question.namespace, question.name, answer.refusal)
        return web.json_response(review_of(question, answer))

    return handle
