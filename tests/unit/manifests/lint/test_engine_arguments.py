"""Command lines as vLLM reads them, and what names of models tell."""

import pytest

from pilotlight_manifests.lint import architecture
from pilotlight_manifests.lint.engine import Engine, Server, human_number, parse, server_of
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.quantity import quantity
from pilotlight_manifests.lint.words import words


def fields(line: str) -> list[Field]:
    return [Field(1, word, given=True) for word in line.split(" ")]


def engine(line: str) -> Engine:
    return parse(Server.VLLM, fields(line))


@pytest.mark.parametrize(
    "line",
    [
        "--tensor-parallel-size=4",
        "--tensor_parallel_size 4",
        "-tp 4",
        "-tp=4",
        "--tensor-parallel-size=2 --tensor-parallel-size=4",
        "--enforce-eager --tensor-parallel-size 4",
    ],
)
def test_an_argument_has_several_spellings(line: str) -> None:
    assert engine(line).tensor_parallel == 4


def test_the_model_of_serve_is_no_flag() -> None:
    assert [w.text for w in engine("vllm serve a/b --port 8000").words] == ["vllm", "serve", "a/b"]


def test_what_a_variable_holds_is_not_known() -> None:
    assert not engine("-tp $TP").sure
    assert not engine("--port=1 $EXTRA").visible
    assert engine("--port=1").visible


@pytest.mark.parametrize(
    ("text", "number"),
    [("32k", 32_000), ("32K", 32_768), ("4096", 4096), ("auto", None), ("-1", None), ("nan", None)],
)
def test_lengths_may_have_a_suffix(text: str, number: int | None) -> None:
    assert human_number(text) == number


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("4Gi", 4 * 2**30), ("500m", 0.5), ("1e3", 1000), ("16", 16), ("4GiB", None), ("-1", None)],
)
def test_quantities_are_those_of_kubernetes(text: str, bytes_: float | None) -> None:
    assert quantity(text) == bytes_


def test_a_script_is_split_into_its_words() -> None:
    command = [Field(3, "bash", given=True), Field(3, "-c", given=True)]
    script = [Field(4, "exec vllm serve 'a/b' \\\n  -tp 2 # two\n", given=True)]
    line = words(command, script, {})
    assert parse(Server.VLLM, line).tensor_parallel == 2
    assert {word.line for word in line} == {3, 4}


def test_kubernetes_fills_in_variables() -> None:
    (word,) = words([], [Field(1, "--model=$(ID)$(NO)", given=True)], {"ID": "a/b"})
    assert word.text == "--model=a/b$(NO)"


@pytest.mark.parametrize(
    ("image", "line", "server"),
    [
        ("vllm/vllm-openai:v0.32.0", "", Server.VLLM),
        ("registry/own:1", "python -m vllm.entrypoints.openai.api_server", Server.VLLM),
        ("dev.local/pilotlight-predictor:dev", "", Server.PILOTLIGHT),
        ("kserve/huggingfaceserver:v1-gpu", "--backend=vllm", Server.HUGGINGFACE),
        ("nginx", "", Server.OTHER),
    ],
)
def test_the_server_is_known_by_image_and_command(image: str, line: str, server: Server) -> None:
    assert server_of(image, fields(line)) is server


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.03),
        ("hf://meta-llama/Llama-3.3-70B-Instruct:main", 70.55),
        ("pvc://models/qwen2.5_7b_instruct", 7.616),
        ("s3://bucket/Qwen3-30B-A3B/v1", 28.5),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 46.703),
        ("some/other-8x7B", 44.24),
        ("facebook/opt-125m", 0.125),
        ("bigscience/bloom-560m", 0.532),
        ("google/gemma-3n-e4b", None),
        ("BAAI/bge-m3", None),
        ("pvc://models/chat", None),
    ],
)
def test_a_name_tells_the_size(name: str, billions: float | None) -> None:
    found = architecture.parameters(name)
    assert found == (None if billions is None else pytest.approx(billions * 1e9))


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 16),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", 4),
        ("RedHatAI/Llama-3.1-8B-FP8-dynamic", 8),
        ("openai/gpt-oss-120b", 4),
        ("deepseek-ai/DeepSeek-R1-671B", 8),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 16),
        ("x/Llama-3.1-8B-Q4_K_M-GGUF", None),
    ],
)
def test_a_name_tells_the_width(name: str, bits: float | None) -> None:
    assert architecture.stored_bits(name) == bits


def test_the_cache_of_a_token_is_that_of_its_heads() -> None:
    llama = architecture.architecture("meta-llama/Llama-3.1-8B")
    assert llama is not None
    assert llama.kv_bytes_per_token(2) == 128 * 1024
    # Beyond one GPU a head, heads are repeated.
    assert llama.kv_bytes_per_token(2, tensor_parallel=16) == 2 * 128 * 1024
