"""A model's folder with a tokenizer for which a word is a token."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message.role == 'tool' -%}{{ raise_exception('no tools here') }}{%- endif -%}"
    "<s> {{ message.role }} {{ message.content }} "
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<s> assistant{%- endif -%}"
)
"""Two tokens for each message beside its words, and two for the answer's beginning."""


def make_model(folder: Path, *, template: str | None = TEMPLATE, length: int = 50) -> Path:
    """Write a model's folder, and return it."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in ("<s>", "</s>")])
    tokenizer.pre_tokenizer = WhitespaceSplit()
    # A count that were cut here would let everything through.
    tokenizer.enable_truncation(3)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": {"content": "<s>"}, "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": length}))
    return folder
