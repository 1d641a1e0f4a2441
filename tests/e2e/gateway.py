"""Clients that come in through the ingress gateway, as people's do."""

from urllib.parse import urlsplit

import grpc
import httpx
import openai


class Endpoint:
    """One host behind the gateway.

    Args:
        gateway: The gateway's address.
        host: Whom to ask for there.
        model: The model's name.
    """

    def __init__(self, gateway: str, host: str, model: str) -> None:
        self.gateway = gateway
        self.host = host
        self.model = model

    def openai(self, timeout_s: float = 120.0) -> openai.OpenAI:
        """The official client, without its retries."""
        return openai.OpenAI(
            base_url=f"{self.gateway}/v1",
            api_key="none",
            default_headers={"Host": self.host},
            max_retries=0,
            timeout=timeout_s,
        )

    def http(self, timeout_s: float = 120.0) -> httpx.Client:
        """A plain client; it retries nothing."""
        return httpx.Client(base_url=self.gateway, headers={"Host": self.host}, timeout=timeout_s)

    def async_http(self, timeout_s: float = 120.0) -> httpx.AsyncClient:
        """A client for many requests at a time, each on a connection of its own."""
        return httpx.AsyncClient(
            base_url=self.gateway,
            headers={"Host": self.host},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=500, max_keepalive_connections=0),
        )

    def channel(self) -> grpc.Channel:
        """A gRPC channel; retries are off."""
        address = urlsplit(self.gateway)
        options = [("grpc.default_authority", self.host), ("grpc.enable_retries", 0)]
        return grpc.insecure_channel(f"{address.hostname}:{address.port or 80}", options)

    def complete(self, prompt: str, timeout_s: float = 120.0, **fields: object) -> httpx.Response:
        """One greedy completion."""
        with self.http(timeout_s) as client:
            return client.post("/v1/completions", json=completion(self.model, prompt, **fields))


def completion(model: str, prompt: str, **fields: object) -> dict[str, object]:
    """The body of a greedy completion."""
    return {"model": model, "prompt": prompt, "temperature": 0, "max_tokens": 8, **fields}
