"""The predictor's greedy answers are those of Hugging Face Transformers, token by token."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.engine.predictor_process import MODEL_NAME, Predictor

TOKENS = 28
TEXTS = (
    "The capital of France is",
    "Once upon a time",
    "A",
    "1, 1, 2, 3, 5, 8, 13,",
    "def quicksort(values):\n    if len(values) <= 1:\n",
    '{"name": "Ada", "age": 36, "languages": ["',
    "Q: What is the boiling point of water in Celsius?\nA:",
    "Die Hauptstadt von Österreich ist",
    "日本の首都は",
    "The emoji \U0001f600 means happy and \U0001f680 means",
    "SELECT name, COUNT(*) FROM orders WHERE",
    "   leading spaces\tand\ttabs\n\n\n",
    "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n",
    "The quick brown fox jumps over the lazy dog. " * 30,
    "Water boils at 100 degrees. Ice melts at 0 degrees. " * 110,
)
CHATS = (
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "user", "content": "Écris « bonjour » en espagnol."}],
    [
        {"role": "system", "content": "You answer in one short sentence."},
        {"role": "user", "content": "Why is the sky blue?"},
    ],
    [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada!"},
        {"role": "user", "content": "What is my name?"},
    ],
    [{"role": "user", "content": "List three colours and one use for each of them."}],
)


@dataclass
class Transformers:
    """The same weights under another implementation, in float32."""

    model: Any
    tokenizer: Any

    def continued(self, prompt: list[int]) -> list[int]:
        """The greedy continuation, without the token that ends an answer."""
        ids = torch.tensor([prompt])
        output = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False
        )
        return self.without_end(output[0, len(prompt) :].tolist())

    def without_end(self, tokens: list[int]) -> list[int]:
        return [token for token in tokens if token != self.tokenizer.eos_token_id]


@pytest.fixture(scope="module")
def transformers(model: Path) -> Transformers:
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    return Transformers(loaded.eval(), AutoTokenizer.from_pretrained(model))


@pytest.mark.parametrize("prompt", TEXTS, ids=[f"{i}" for i in range(len(TEXTS))])
def test_a_greedy_completion_is_that_of_transformers(
    predictor: Predictor, transformers: Transformers, prompt: str
) -> None:
    answer = predictor.complete(prompt, max_tokens=TOKENS, return_token_ids=True)["choices"][0]
    expected = transformers.continued(transformers.tokenizer(prompt)["input_ids"])
    assert transformers.without_end(answer["token_ids"]) == expected
    # A character of which the last token holds only a part is not sent.
    text = transformers.tokenizer.decode(expected, skip_special_tokens=True).rstrip("\ufffd")
    assert answer["text"] == text


@pytest.mark.parametrize("messages", CHATS, ids=[f"{i}" for i in range(len(CHATS))])
def test_a_greedy_chat_is_that_of_transformers(
    predictor: Predictor, transformers: Transformers, messages: list[dict[str, str]]
) -> None:
    body = {"model": MODEL_NAME, "messages": messages, "temperature": 0, "max_tokens": TOKENS}
    answer = predictor.post("/v1/chat/completions", body).json()
    prompt = transformers.tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=False
    )
    ids = transformers.tokenizer(prompt, add_special_tokens=False)["input_ids"]
    expected = transformers.tokenizer.decode(transformers.continued(ids), skip_special_tokens=True)
    assert answer["usage"]["prompt_tokens"] == len(ids)
    assert answer["choices"][0]["message"]["content"] == expected
