"""What is shown: a model is deployed, answers, sleeps, and is woken by a question."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from pilotlight.errors import OperationError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, reference_to
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_cluster.demo import pods
from pilotlight_cluster.demo.scene import Exchange, Scene

READY_S = 300
SLEEP_S = 300
# Knative holds a request at zero for as long as the service's own timeout.
ANSWER_S = 600
POLL_S = 0.5
QUESTIONS = ("What is the capital of France?", "Name three planets of the solar system.")


@dataclass(frozen=True)
class Story:
    """The demonstration on one cluster.

    Attributes:
        gateway: Where requests enter the cluster.
        manifest: YAML with an InferenceService.
        crowd: Requests that arrive together at zero.
    """

    cluster: Cluster
    gateway: str
    manifest: Path
    scene: Scene
    crowd: int = 1

    def run(self) -> None:
        """Tell it from the beginning.

        Raises:
            OperationError: Something did not happen in its time, or a request failed.
        """
        service = self._deploy()
        self._ask(service, QUESTIONS[0])
        self._sleep(service)
        self._wake(service)

    def watch(self, stop: threading.Event) -> None:
        """Keep the scene's pods up to date until told to stop."""
        name = str(self._service()["metadata"]["name"])
        while not stop.wait(POLL_S):
            self.scene.pods = pods.observe(self.cluster, self.cluster.namespace, name)

    def _service(self) -> Document:
        documents = yaml.safe_load_all(self.manifest.read_text())
        return next(document for document in documents if document["kind"] == "InferenceService")

    def _deploy(self) -> Document:
        document = self._service()
        self.scene.begin(f"kubectl apply -f {self.manifest.name}, until it is ready")
        self.cluster.apply(document, force=True)
        reference = reference_to(document)
        ready = wait(self.cluster, reference, has_condition("Ready"), timeout_s=READY_S)
        self.scene.end()
        return ready

    def _ask(self, service: Document, question: str) -> Exchange:
        exchange = Exchange(question)
        self.scene.exchanges.append(exchange)
        try:
            self._stream(service, exchange)
        except httpx.HTTPError as error:
            exchange.failure = f"failed: {error}"
            raise OperationError(f"the request failed: {error}") from error
        return exchange

    def _stream(self, service: Document, exchange: Exchange) -> None:
        body = {
            "model": service["metadata"]["name"],
            "messages": [{"role": "user", "content": exchange.question}],
            "max_tokens": 48,
            "temperature": 0,
            "stream": True,
        }
        headers = {"Host": httpx.URL(service["status"]["url"]).host}
        url = f"{self.gateway}/v1/chat/completions"
        with httpx.stream(
            "POST", url, json=body, headers=headers, timeout=ANSWER_S, trust_env=False
        ) as response:
            response.raise_for_status()
            for text in _texts(response):
                seconds = time.monotonic() - exchange.asked_at
                if exchange.first_token_s is None:
                    exchange.first_token_s = seconds
                exchange.answer += text
                exchange.tokens += 1
        exchange.last_s = time.monotonic() - exchange.asked_at

    def _sleep(self, service: Document) -> None:
        self.scene.begin("nobody asks: Knative takes the last pod away")
        self._await(lambda: not self._pods(service), SLEEP_S, "there are still pods")
        self.scene.end()

    def _wake(self, service: Document) -> None:
        self.scene.begin(f"{self.crowd} request(s) at zero")
        asked: list[Exchange] = []
        failures: list[OperationError] = []

        def ask() -> None:
            try:
                asked.append(self._ask(service, QUESTIONS[1]))
            except OperationError as error:
                failures.append(error)

        crowd = [threading.Thread(target=ask, daemon=True) for _ in range(self.crowd)]
        for person in crowd:
            person.start()
        for person in crowd:
            person.join(ANSWER_S)
        if failures:
            raise failures[0]
        self.scene.end()
        phases = pods.start_phases(
            self.cluster, self.cluster.namespace, str(service["metadata"]["name"])
        )
        parts = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in phases.items())
        slowest = max(exchange.first_token_s or 0.0 for exchange in asked)
        self.scene.notes.append(
            f"{len(asked)} of {self.crowd} answered, the slowest first token after {slowest:.1f} s "
            f"(the server's start: {parts})"
        )

    def _pods(self, service: Document) -> bool:
        name = str(service["metadata"]["name"])
        return bool(pods.observe(self.cluster, self.cluster.namespace, name))

    def _await(self, happened: Callable[[], bool], timeout_s: float, failure: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not happened():
            if time.monotonic() > deadline:
                raise OperationError(f"after {timeout_s:.0f} s {failure}")
            time.sleep(POLL_S)


def _texts(response: httpx.Response) -> Iterator[str]:
    """The pieces of an answer, from its server-sent events."""
    for line in response.iter_lines():
        data = line.removeprefix("data: ")
        if line.startswith("data: ") and data != "[DONE]":
            for choice in json.loads(data)["choices"]:
                if choice["delta"].get("content"):
                    yield choice["delta"]["content"]
