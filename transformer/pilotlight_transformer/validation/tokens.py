"""How many tokens a prompt has, by the model's own tokenizer and chat template."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import ahocorasick
import tokenizers
from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pilotlight.errors import InvalidRequest, Unavailable, UsageError
from pilotlight_transformer.validation.prompts import Prompt

T = TypeVar("T")

_GENERATION = re.compile(r"\{%(-?)\s*(?:end)?generation\s*(-?)%\}")


class _TemplateRefuses(TemplateError):
    """The chat template itself says that these messages are wrong."""


class ModelTokenizer:
    """The tokenizer of one model, from its folder.

    Args:
        path: The folder, or the file tokenizer.json in it.
        max_model_len: Tokens of prompt and answer; ``None``: as config.json says.

    Raises:
        UsageError: It cannot be read.
    """

    def __init__(self, path: Path, max_model_len: int | None) -> None:
        folder, file = (
            (path.parent, path) if path.suffix == ".json" else (path, path / "tokenizer.json")
        )
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001  # the library raises Exception itself
            raise UsageError(
                f"validate: the tokenizer {file} cannot be read ({error}): give `tokenizer` the "
                "folder of the model, with its tokenizer.json"
            ) from None
        # The predictor cuts nothing off: neither may the count.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        config = _read_json(folder / "tokenizer_config.json")
        self._special = {
            name: _special_text(config[name])
            for name in ("bos_token", "eos_token", "unk_token", "pad_token")
            if config.get(name) is not None
        }
        self._template = _chat_template(folder, config)
        special = {
            token.content: number
            for number, token in self._tokenizer.get_added_tokens_decoder().items()
            if token.special and token.content
        }
        # A prompt that a client has made tokens of begins with this one.
        self._control_ids = set(special.values()) - {
            special.get(self._special.get("bos_token", ""))
        }
        self._control_texts = _automaton(special)
        found = max_model_len or _read_json(folder / "config.json").get("max_position_embeddings")
        if not isinstance(found, int):
            raise UsageError(
                "validate: `max_model_len` is missing, and the model's folder does not say it: "
                "give the number with which the predictor runs"
            )
        self.max_model_len = found

    def controls(self, value: str | int) -> bool:
        """Whether a text holds, or an id is, a control token."""
        if isinstance(value, int):
            return value in self._control_ids
        return self._control_texts is not None and any(self._control_texts.iter(value))

    def count(self, prompts: Sequence[Prompt], *, special: bool = True) -> list[int]:
        """Tokens of each prompt."""
        texts = [prompt for prompt in prompts if isinstance(prompt, str)]
        # The batch, unlike `encode`, lets other threads run meanwhile.
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=special)
        counts = map(len, encoded)
        return [next(counts) if isinstance(prompt, str) else len(prompt) for prompt in prompts]

    def count_chat(self, messages: list[dict[str, Any]], document: dict[str, Any]) -> int:
        """Tokens of a chat, as the model sees it.

        Args:
            messages: Checked.
            document: The request, for its tools and switches.

        Raises:
            InvalidRequest: The chat template does not take these messages.
        """
        if self._template is None:
            return sum(self.count([_text(message.get("content")) for message in messages]))
        own = document.get("chat_template_kwargs")
        generation = document.get("add_generation_prompt")
        variables = {
            **(own if isinstance(own, dict) else {}),
            **self._special,
            "messages": [_as_templates_want(message) for message in messages],
            "tools": document.get("tools") or None,
            "documents": document.get("documents") or None,
            "add_generation_prompt": generation is not False,
        }
        try:
            text = self._template.render(variables)
        except _TemplateRefuses as error:
            raise InvalidRequest(
                f"the model's chat template refuses the messages: {str(error)[:200]}",
                param="messages",
            ) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError):
            raise InvalidRequest(
                "the model's chat template does not take these messages", param="messages"
            ) from None
        return self.count([text], special=False)[0]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"validate: {path} cannot be read: {error}") from None
    return document if isinstance(document, dict) else {}


def _automaton(texts: Iterable[str]) -> Any:
    """Finds any of the texts in time that does not grow with their number; ``None``: no texts."""
    automaton = ahocorasick.Automaton()
    for text in texts:
        automaton.add_word(text, True)
    if not len(automaton):
        return None
    automaton.make_automaton()
    return automaton


def _special_text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token)


def _chat_template(folder: Path, config: dict[str, Any]) -> Template | None:
    file = folder / "chat_template.jinja"
    source: Any = file.read_text() if file.is_file() else config.get("chat_template")
    if isinstance(source, list):
        named = {entry.get("name"): entry.get("template") for entry in source}
        source = named.get("default")
    if not isinstance(source, str):
        return None
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        extensions=["jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
    # Marks for training, without meaning here but for the spaces that they take away.
    source = _GENERATION.sub(r"{#\1 \2#}", source)
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise UsageError(
            f"validate: the chat template of {folder} cannot be read: {error}"
        ) from None


def _raise_exception(message: str) -> NoReturn:
    raise _TemplateRefuses(message)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **more: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _as_templates_want(message: dict[str, Any]) -> dict[str, Any]:
    """A message as vLLM hands it to a template: contents as text, arguments as objects."""
    given = {**message, "content": _text(message.get("content"))}
    if message.get("tool_calls"):
        given["tool_calls"] = [_with_arguments(call) for call in message["tool_calls"]]
    return given


def _with_arguments(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, RecursionError):
        raise InvalidRequest("the arguments of a tool call are no JSON", param="messages") from None
    return {**call, "function": {**function, "arguments": arguments}}


class Counter:
    """Counts on the event loop what is short, and in a thread what is long.

    Args:
        thread_above: Characters.
        timeout_s: For one request.
    """

    def __init__(self, thread_above: int, timeout_s: float) -> None:
        self._above = thread_above
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="tokenize")

    async def run(self, characters: int, count: Callable[[], T]) -> T:
        """The result of ``count``, of a text with so many characters.

        Raises:
            Unavailable: The threads have too much to do.
        """
        if characters <= self._above:
            return count()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, count)
        except TimeoutError:
            raise Unavailable(
                "the tokens of the prompt could not be counted in time: try again",
                retry_after_s=1,
            ) from None

    def close(self) -> None:
        """End the threads, when they have finished what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
