"""A predictor with everything that is off by default: keys, adapters, tools, short patience."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from tests.engine.lora_fixture import write_lora_adapter
from tests.engine.predictor_process import Predictor, launched

API_KEY = "key-of-the-users"
ADMIN_TOKEN = "token-of-the-administrators"
START_ADAPTER = "poet"
PATIENCE_S = 2.0


@dataclass(frozen=True)
class GuardedPredictor:
    """A predictor that wants a key, and the folder of the adapters that it may load."""

    predictor: Predictor
    adapters: Path

    @property
    def url(self) -> str:
        return self.predictor.url

    def client(self, prefix: str = "/v1") -> OpenAI:
        """OpenAI's client, with the key."""
        return OpenAI(base_url=self.url + prefix, api_key=API_KEY, max_retries=0, timeout=60)

    def post(self, path: str, body: Any, token: str | None = API_KEY) -> httpx.Response:
        """Post JSON with a bearer token."""
        headers = {} if token is None else {"authorization": f"Bearer {token}".strip()}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=60)

    def admin(self, action: str, body: Any, token: str | None = ADMIN_TOKEN) -> httpx.Response:
        """Call an admin route: ``load`` or ``unload``."""
        return self.post(f"/admin/lora/{action}", body, token)

    def text(self, model: str, prompt: str = "Once upon a time", max_tokens: int = 12) -> str:
        """A greedy answer of a model or an adapter."""
        answer = self.client().completions.create(
            model=model, prompt=prompt, temperature=0, max_tokens=max_tokens
        )
        return str(answer.choices[0].text)


@contextmanager
def guarded(model: Path, folder: Path) -> Iterator[GuardedPredictor]:
    """Start it with one adapter loaded, and two sound ones and a broken one to be loaded."""
    adapters = folder / "adapters"
    for seed, name in enumerate((START_ADAPTER, "lawyer", "cook"), start=1):
        write_lora_adapter(model, adapters / name, seed=seed)
    write_lora_adapter(model, adapters / "too-wide", rank=32)
    write_lora_adapter(model, adapters / "torn")
    (adapters / "torn/adapter_model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    write_lora_adapter(model, folder / "elsewhere/spy")
    with launched(
        model,
        folder,
        f"--api-key={API_KEY}",
        f"--admin-token={ADMIN_TOKEN}",
        f"--lora-root={adapters}",
        f"--header-timeout-s={PATIENCE_S}",
        f"--body-timeout-s={PATIENCE_S}",
        "--enable-lora",
        "--max-lora-rank=8",
        "--max-loras=2",
        "--lora-modules",
        f"{START_ADAPTER}={adapters / START_ADAPTER}",
        "--enable-auto-tool-choice",
        "--tool-call-parser=hermes",
    ) as running:
        running.wait_ready()
        yield GuardedPredictor(running, adapters)
