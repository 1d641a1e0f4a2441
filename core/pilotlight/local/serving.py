"""What happens once a service is ready: a chat answer, what to try next, and then patience."""

import asyncio
import json
from dataclasses import dataclass

import typer
from rich.console import Console

from pilotlight.local import chat
from pilotlight.local.plan import API_KEY
from pilotlight.local.session import Running

NEXT = """
Try next, from another terminal:

  curl {url}/v1/chat/completions -H 'Content-Type: application/json' \\
{header}    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

  python -c '
  {imports}from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key={key})
  hello = [{{"role": "user", "content": "Hello!"}}]
  print(client.chat.completions.create(model="{model}", messages=hello).choices[0].message.content)'
"""


@dataclass(frozen=True)
class Serving:
    """What to do with a service that is ready.

    Args:
        prompt: What to ask it; nothing when ``None``.
        once: Stop after that.
        as_json: Print one JSON object on standard output.
    """

    console: Console
    prompt: str | None
    once: bool = False
    as_json: bool = False

    async def __call__(self, running: Running) -> None:
        model = await chat.served_model(running.client)
        self._say(f"{running.plan.service} is ready after {running.ready_s:.1f} s: {running.url}\n")
        answer = await self._chat(running, model)
        if self.as_json:
            typer.echo(json.dumps(_result(running, model, answer)))
        if self.once:
            return
        self._say(_next(running, model))
        self._say(f"Logs: {', '.join(str(p.log) for p in running.processes)}")
        self._say("Ctrl-C stops it.")
        await asyncio.Event().wait()

    async def _chat(self, running: Running, model: str) -> chat.Answer | None:
        if self.prompt is None:
            return None
        self._say(f"you: {self.prompt}")
        self._write(f"{model}: ")
        answer = await chat.ask(running.client, model, self.prompt, self._write)
        self._write("\n")
        speed = f", {answer.tokens} tokens in {answer.total_s:.2f} s" if answer.tokens else ""
        self._say(f"(first token after {answer.ttft_s:.2f} s{speed})")
        return answer

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _write(self, text: str) -> None:
        self.console.out(text, end="", highlight=False)


def _next(running: Running, model: str) -> str:
    """What to try next; a key is named, not shown."""
    with_key = running.has_key
    return NEXT.format(
        url=running.url,
        model=model,
        header=f'    -H "Authorization: Bearer ${API_KEY}" \\\n' if with_key else "",
        imports="import os; " if with_key else "",
        key=f'os.environ["{API_KEY}"]' if with_key else '"unused"',
    )


def _result(running: Running, model: str, answer: chat.Answer | None) -> dict[str, object]:
    """The result of ``pilotlight local up --json``."""
    return {
        "service": running.plan.service,
        "model": model,
        "url": running.url,
        "ready_s": round(running.ready_s, 3),
        "processes": [
            {"role": p.program.role, "pid": p.pid, "port": p.program.port, "log": str(p.log)}
            for p in running.processes
        ],
        "answer": None
        if answer is None
        else {"text": answer.text, "ttft_s": round(answer.ttft_s, 4), "tokens": answer.tokens},
    }
