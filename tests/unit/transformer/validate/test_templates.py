"""The step validate: prompt templates with named variables and versions."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.validation.template import Text
from tests.unit.transformer.playing import Play, PlayedClient, a_call, a_chat

SETTINGS = """\
- validate:
    max_characters: 5000
    templates:
      support:
        default: 2
        versions:
          1: "Answer {{ customer }}."
          2:
            - role: system
              content: "You help {{ customer }}{% if tone is defined %}, {{ tone }}{% endif %}."
            - {role: user, content: "{% for item in items %}{{ item }};{% endfor %}"}
      plain: {versions: {"a": "Say {{ word }}"}}
"""


async def ask(
    folder: Path, template: Any, path: str = "/v1/chat/completions", **more: Any
) -> tuple[PlayedClient, Any]:
    body = {"model": "assistant", "prompt_template": template, **more}
    async with Play(SETTINGS, folder) as play:
        client = await play.send(a_call(body, path=path))
    return client, play.predictor.asked[0].document if play.predictor.asked else None


async def test_a_template_becomes_messages_before_those_of_the_request(tmp_path: Path) -> None:
    _, sent = await ask(
        tmp_path,
        {"name": "support", "variables": {"customer": "Ann", "items": ["x", "y"]}},
        messages=[{"role": "user", "content": "and me"}],
    )
    assert "prompt_template" not in sent
    assert sent["messages"] == [
        {"role": "system", "content": "You help Ann."},
        {"role": "user", "content": "x;y;"},
        {"role": "user", "content": "and me"},
    ]


async def test_a_version_is_asked_for_by_name(tmp_path: Path) -> None:
    template = {"name": "support", "version": 1, "variables": {"customer": "Ann"}}
    _, sent = await ask(tmp_path, template)
    assert sent["messages"] == [{"role": "user", "content": "Answer Ann."}]


async def test_a_completion_gets_its_prompt(tmp_path: Path) -> None:
    template = {"name": "plain", "variables": {"word": "hi"}}
    _, sent = await ask(tmp_path, template, "/v1/completions")
    assert sent["prompt"] == "Say hi"
    client, _ = await ask(tmp_path, template, "/v1/completions", prompt="mine")
    assert client.status == 400
    client, _ = await ask(tmp_path, template, "/v1/embeddings")
    assert client.status == 400


async def test_a_variable_is_never_read_as_a_template(tmp_path: Path) -> None:
    evil = "{{ 7 * 7 }}{% for x in range(9) %}a{% endfor %}{{ customer.__class__ }}"
    _, sent = await ask(tmp_path, {"name": "plain", "variables": {"word": evil}})
    assert sent["messages"][0]["content"] == f"Say {evil}"


@pytest.mark.parametrize(
    ("template", "param"),
    [
        ("support", "prompt_template"),
        ({"name": "support", "more": 1}, "prompt_template"),
        ({"name": "nobody"}, "prompt_template.name"),
        ({"name": ["support"]}, "prompt_template.name"),
        ({"name": "support", "version": "9"}, "prompt_template.version"),
        ({"name": "plain"}, "prompt_template.variables.word"),
        ({"name": "plain", "variables": ["word"]}, "prompt_template.variables"),
        ({"name": "plain", "variables": {"word": "a", "x": 1}}, "prompt_template.variables"),
        (
            {"name": "support", "variables": {"customer": "a", "items": 5}},
            "prompt_template.variables",
        ),
        (
            {"name": "support", "variables": {"customer": "a", "items": [""] * 1001}},
            "prompt_template.variables",
        ),
        ({"name": "plain", "variables": {"word": "x" * 5001}}, "prompt_template.variables"),
    ],
)
async def test_what_does_not_fit_names_its_place(tmp_path: Path, template: Any, param: str) -> None:
    client, _ = await ask(tmp_path, template)
    assert client.status == 400
    assert client.document["error"]["param"] == param


async def test_without_templates_there_are_none(tmp_path: Path) -> None:
    async with Play("- validate", tmp_path) as play:
        client = await play.ask(a_chat(prompt_template={"name": "support"}))
        assert client.status == 400
        null = await play.ask(a_chat(prompt_template=None))
        assert null.status == 200
        assert "prompt_template" not in json.loads(play.predictor.asked[-1].payload())


@pytest.mark.parametrize(
    "source",
    [
        "{{ word * n }}",
        "{% for a in range(n) %}x{% endfor %}",
        "{% for a in word %}{% for b in word %}{% for c in word %}" + "{% endfor %}" * 3,
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}{{ n }}{{ word }}",
        "{{ n ** n ** n }}{{ word }}",
        "{{ '%*d' % (n, 1) }}{{ word }}",
        "{% for a in word %}{{ word }}{% endfor %}{{ n }}",
    ],
)
def test_loops_and_sizes_are_bounded_whatever_the_variables(source: str) -> None:
    text = Text("t", source)
    started = time.perf_counter()
    with pytest.raises(InvalidRequest):
        text.render({"word": "w" * 500, "n": 99_999_999}, 5000)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "source",
    [
        "{{ word.__class__.__mro__ }}",
        "{{ word.format.__globals__ }}",
        "{{ items.append(1) }}{{ word }}",
    ],
)
def test_the_sandbox_lets_nothing_out(source: str) -> None:
    text = Text("t", source)
    with pytest.raises(InvalidRequest):
        text.render({"word": "x", "items": []}, 5000)
