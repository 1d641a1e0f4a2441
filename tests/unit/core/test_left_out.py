"""The account of tests that did not run (tests/conftest.py)."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[2] / "conftest.py"
INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
markers =
    engine: e
    gpu: g
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini(INI)
    pytester.makeconftest(
        CONFTEST.read_text()
        + """
NO_GPU = Kind("gpu", lambda: "no such device", may_lack_in_ci=True)
KINDS = (NO_GPU, Kind("engine", lambda: "no engine"))
"""
    )
    return pytester


@pytest.fixture(params=[(), ("-n", "2")], ids=["one-process", "side-by-side"])
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The account is kept by one process, or handed over by two workers."""
    assert isinstance(request.param, tuple)
    return request.param


GPU_AND_PLAIN = """
import pytest
@pytest.mark.gpu
def test_gpu(): assert False
@pytest.mark.gpu
def test_gpu_again(): assert False
def test_plain(): pass
"""


def test_a_kind_that_cannot_run_is_counted_with_its_reason(
    suite: pytest.Pytester, options: tuple[str, ...]
) -> None:
    suite.makepyfile(GPU_AND_PLAIN)
    result = suite.runpytest(*options)
    # Workers do not tell how many they left out: the account does.
    result.assert_outcomes(passed=1, deselected=0 if options else 2)
    result.stdout.fnmatch_lines(["left out: gpu (2 tests): no such device"])
    assert result.ret == 0


def test_lacking_hardware_is_allowed_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(GPU_AND_PLAIN)
    assert suite.runpytest().ret == 0


def test_a_kind_that_ci_must_run_fails_the_run(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile("import pytest\n@pytest.mark.engine\ndef test_e(): pass\ndef test(): pass")
    result = suite.runpytest(*options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["not allowed with CI=true: engine (1 tests): no engine"])


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\ndef test(): pytest.skip('because')",
        "import pytest\npytest.skip('because', allow_module_level=True)",
        "import pytest\n@pytest.mark.skip('because')\ndef test(): pass",
    ],
    ids=["inside", "module", "mark"],
)
def test_a_skip_fails_in_ci_and_only_there(
    suite: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    options: tuple[str, ...],
) -> None:
    suite.makepyfile(test_skips=source, test_passes="def test_ok(): pass")
    assert suite.runpytest(*options).ret == 0
    monkeypatch.setenv("CI", "true")
    result = suite.runpytest(*options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["not allowed with CI=true: test_skips*because*"])


def test_an_expected_failure_is_no_skip(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile("import pytest\n@pytest.mark.xfail\ndef test(): assert False")
    assert suite.runpytest().ret == 0
