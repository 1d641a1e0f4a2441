"""The command line: what is ours, what is vLLM's, and what is wrong in one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_predictor.settings import PredictorSettings, parse_arguments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def parse(folder: Path, *arguments: str) -> tuple[PredictorSettings, list[str]]:
    return parse_arguments([f"--model_dir={folder}", *arguments], {})


def message(*arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_arguments(arguments, {})
    return str(caught.value)


def test_dashes_and_underscores_are_the_same(folder: Path) -> None:
    for name in ("--max-queue-wait-s", "--max_queue_wait_s"):
        assert parse(folder, f"{name}=5")[0].max_queue_wait_s == 5
        assert parse(folder, name, "5")[0].max_queue_wait_s == 5


def test_what_is_not_ours_goes_to_vllm_as_it_is(folder: Path) -> None:
    given = ["--tensor-parallel-size=2", "--lora-modules", "a=b", "-O3", "--no-such-flag"]
    rest = parse(folder, "--http_port=0", *given, "--no-warmup")[1]
    assert rest == [*given, "--model", str(folder), "--served-model-name", "model"]


def test_a_beginning_of_our_arguments_is_not_taken_for_them(folder: Path) -> None:
    settings, rest = parse(folder, "--max-body=1")
    assert settings.max_body_bytes == 8 * 2**20
    assert "--max-body=1" in rest


def test_the_served_name_is_the_models_unless_vllm_is_told_another(folder: Path) -> None:
    assert parse(folder, "--model_name=smol")[1][-2:] == ["--served-model-name", "smol"]
    rest = parse(folder, "--model_name=smol", "--served_model_name", "a", "b")[1]
    assert "smol" not in rest


def test_a_model_by_name_needs_no_folder() -> None:
    assert parse_arguments(["--model=org/name"], {})[1][0] == "--model=org/name"


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("--http_port=abc", "--http-port"),
        ("--http_port=65536", "--http-port"),
        ("--drain_delay_s=-1", "--drain-delay-s"),
        ("--max-body-bytes=1", "--max-body-bytes"),
        ("--batch-share=1", "--batch-share"),
        ("--stuck-after-s=0", "--stuck-after-s"),
        ("--log-level=LOUD", "--log-level"),
        ("--workers=2", "--workers"),
        ("--http-port", "--http-port"),
        ("--ssl_certfile=/cert", "--ssl_keyfile"),
        ("--port=1", "--http_port"),
        ("--host", "--http_host"),
        ("--model=other", "--model_dir"),
        ("--api-server-count=2", "--api-server-count"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(folder: Path, argument: str, name: str) -> None:
    said = message(f"--model_dir={folder}", argument)
    assert name in said
    assert "\n" not in said


def test_a_secret_is_not_repeated(folder: Path) -> None:
    said = message(f"--model_dir={folder}", "--admin-token=hunter2")
    assert "--admin-token" in said
    assert "hunter2" not in said


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in message(f"--model_dir={tmp_path / 'none'}")
    assert "config.json" in message(f"--model_dir={tmp_path}")


def test_the_drain_waits_unless_knative_has_waited(folder: Path) -> None:
    argv = [f"--model_dir={folder}"]
    assert parse_arguments(argv, {})[0].drain_delay_s == 5
    assert parse_arguments(argv, {"K_REVISION": "r"})[0].drain_delay_s == 0
    assert parse_arguments([*argv, "--drain-delay-s=2"], {"K_REVISION": "r"})[0].drain_delay_s == 2


def test_the_environment_is_read_and_an_argument_comes_before_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTLIGHT_STUCK_AFTER_S", "7")
    assert parse(folder)[0].stuck_after_s == 7
    assert parse(folder, "--stuck-after-s=8")[0].stuck_after_s == 8


@given(
    name=st.sampled_from(sorted(PredictorSettings.model_fields)),
    value=st.text("-=. x1\n", min_size=1),
)
def test_any_value_is_taken_or_refused_and_nothing_else(name: str, value: str) -> None:
    refusal = ""
    try:
        parse_arguments(["--model=m", f"--{name}={value}"], {})
    except UsageError as error:
        refusal = str(error)
    assert "\n" not in refusal


@pytest.mark.parametrize("flag", ["--port=1", "--enable_docs_url=true", "--predictor_host=x"])
def test_an_argument_without_effect_is_refused_by_name(folder: Path, flag: str) -> None:
    name = flag.partition("=")[0].replace("_", "-")
    assert message(f"--model_dir={folder}", flag).startswith(f"{name} is not taken here: ")


def test_kserves_own_arguments_are_taken(folder: Path) -> None:
    settings, rest = parse(
        folder,
        "--max_asyncio_workers=3",
        "--enable_latency_logging=true",
        "--grpc_max_receive_message_length=4096",
        "--max_threads=2",
        "--workers=1",
    )
    assert settings.max_asyncio_workers == 3
    assert settings.enable_latency_logging is True
    assert settings.grpc_max_receive_message_length == 4096
    assert "--workers=1" not in rest
