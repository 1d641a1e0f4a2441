"""The command line, as KServe and people write it."""

import subprocess
import sys
from pathlib import Path

import pytest

from pilotlight.errors import UsageError
from pilotlight_transformer.settings import TransformerSettings, parse_arguments

HOST = "--predictor_host=model-predictor.team"


def parse(*arguments: str, **environment: str) -> TransformerSettings:
    return parse_arguments([HOST, *arguments], environment)


def test_what_kserves_controller_writes_is_understood() -> None:
    settings = parse_arguments(
        [
            *("--model_name", "llm", "--predictor_host", "llm-predictor.team"),
            *("--http_port", "8080", "--workers", "40", "--predictor_protocol", "v2"),
        ],
        {},
    )
    assert settings.model_name == "llm"
    assert settings.worker_count(cores=4) == 4
    target = settings.target()
    assert (target.host, target.port) == ("llm-predictor.team", 80)
    assert target.host_header == "llm-predictor.team"


@pytest.mark.parametrize(
    ("workers", "cores", "count"), [(0, 8, 8), (1, 8, 1), (3, 8, 3), (100, 2, 2)]
)
def test_workers_are_as_many_as_cores_at_most(workers: int, cores: int, count: int) -> None:
    assert parse(f"--workers={workers}").worker_count(cores) == count


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.b", ("a.b", 80, "a.b", False)),
        ("a.b:8080", ("a.b", 8080, "a.b:8080", False)),
        ("http://a.b", ("a.b", 80, "a.b", False)),
        ("http://a.b:81/", ("a.b", 81, "a.b:81", False)),
        ("https://a.b", ("a.b", 443, "a.b", True)),
        ("[::1]:81", ("::1", 81, "[::1]:81", False)),
    ],
)
def test_the_predictors_host_may_bear_port_and_scheme(
    host: str, expected: tuple[str, int, str, bool]
) -> None:
    settings = parse_arguments([f"--predictor_host={host}"], {})
    target = settings.target()
    assert (target.host, target.port, target.host_header, settings.use_tls) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--predictor_grpc_host=a.b"], ("a.b:80", False)),
        (["--predictor_grpc_host=a.b:9000"], ("a.b:9000", False)),
        (["--predictor_grpc_host=https://a.b"], ("a.b:443", True)),
        (["--predictor_grpc_host=https://a.b:9000"], ("a.b:9000", True)),
        (["--predictor_grpc_host=a.b", "--predictor_use_ssl"], ("a.b:443", True)),
        (["--predictor_grpc_host=[::1]:9000"], ("[::1]:9000", False)),
    ],
)
def test_the_predictors_grpc_is_spoken_to_over_tls_where_that_is_said(
    arguments: list[str], expected: tuple[str, bool]
) -> None:
    settings = parse_arguments(["--predictor_host=a.b", "--grpc-port=8081", *arguments], {})
    assert (settings.grpc_target(), settings.grpc_uses_tls) == expected


@pytest.mark.parametrize(
    "host", ["", "a b", "ftp://a", "http://u:p@a", "a/path", "a:port", "http://"]
)
def test_a_predictors_host_that_is_none_is_named(host: str) -> None:
    with pytest.raises(UsageError, match="--predictor-host"):
        parse_arguments([f"--predictor_host={host}"], {})


def test_both_spellings_mean_the_same() -> None:
    assert parse("--max-body-bytes=2048") == parse("--max_body_bytes", "2048")
    assert parse("--predictor_use_ssl").use_tls
    assert parse("--predictor_use_ssl=true").use_tls
    assert not parse("--predictor_use_ssl", "false").use_tls


def test_all_bodies_may_not_be_less_than_one() -> None:
    assert parse("--max-held-body-bytes=8388608").limits().held_body_bytes == 8388608
    with pytest.raises(UsageError, match="--max-held-body-bytes"):
        parse("--max-held-body-bytes=8388607")


def test_the_environment_is_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTLIGHT_MAX_WAITING", "7")
    assert parse().max_waiting == 7
    assert parse("--max-waiting=8").max_waiting == 8


def test_knatives_queue_proxy_has_waited_already() -> None:
    assert parse().drain_delay_s == 5.0
    assert parse(K_REVISION="llm-00001").drain_delay_s == 0.0
    assert parse("--drain-delay-s=2", K_REVISION="llm-00001").drain_delay_s == 2.0


@pytest.mark.parametrize(
    "argument",
    ["--unknown=1", "--http_port=70000", "--workers=-1", "--log-level=LOUD", "--grace-period-s=-1"],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(argument: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pilotlight_transformer", HOST, argument],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("pilotlight_transformer: ")
    assert argument.partition("=")[0].replace("_", "-") in ended.stderr.replace("_", "-")
    assert ended.stderr.count("\n") == 1


def test_a_missing_predictor_is_named() -> None:
    with pytest.raises(UsageError, match="--predictor-host is missing"):
        parse_arguments([], {})


def test_the_page_names_every_setting_with_its_default() -> None:
    page = Path("docs/transformer/forwarding.md").read_text()
    for name, field in TransformerSettings.model_fields.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `--{_dashed(name)}` |")]
        default = row.split("|")[2].strip().strip("`")
        if field.is_required():
            assert default == "required"
        elif field.default is None or field.default == "":
            assert default == "none"
        elif isinstance(field.default, bool | str):
            assert default == str(field.default).lower() or default == field.default
        else:
            assert float(default) == field.default, name


def _dashed(name: str) -> str:
    return name.replace("_", "-")
