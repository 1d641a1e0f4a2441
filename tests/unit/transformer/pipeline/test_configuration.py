"""The pipeline's YAML: what is refused, and how it says so."""

from pathlib import Path

import pytest

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.configuration import parse_configuration, read_configuration
from pilotlight_transformer.pipeline.registry import BUILT_IN, step_class
from tests.unit.transformer.pipeline import sample_steps
from tests.unit.transformer.pipeline.sample_steps import Marking

HERE = sample_steps.__name__


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_step_that_is_named_exists_and_knows_its_name(name: str) -> None:
    assert step_class(name).name == name


@pytest.mark.parametrize("text", ["", "pipeline:", "pipeline: []", "stores: {}"])
def test_nothing_is_an_empty_pipeline(text: str) -> None:
    assert parse_configuration(text, {}).steps == ()


def test_no_file_is_an_empty_pipeline() -> None:
    assert read_configuration(None).steps == ()


def test_a_step_is_named_alone_or_with_its_settings() -> None:
    text = f"pipeline: ['{HERE}:Marking', {{'{HERE}:Second': {{mark: b}}}}]"
    first, second = parse_configuration(text, {}).steps
    assert first.step is Marking
    assert first.settings.model_dump() == {"mark": "x"}
    assert second.settings.model_dump() == {"mark": "b"}


def test_variables_of_the_environment_are_filled_in() -> None:
    text = f"pipeline: [{{'{HERE}:Marking': {{mark: 'a-${{NAME}}'}}}}]"
    (choice,) = parse_configuration(text, {"NAME": "n: [1]"}).steps
    assert choice.settings.model_dump() == {"mark": "a-n: [1]"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pipeline: [", "no YAML"),
        ("[]", "valid dictionary"),
        ("pipline: []", "pipline: Extra inputs"),
        ("pipeline: [nothing]", "no step 'nothing': choose of audit, auth"),
        ("pipeline: [os:path]", "os:path is not a step"),
        ("pipeline: ['nowhere.at:All']", "cannot be loaded: No module named 'nowhere'"),
        (f"pipeline: ['{HERE}:Nobody']", "cannot be loaded"),
        (f"pipeline: ['{HERE}:NoStep']", "NoStep is not a step"),
        (f"pipeline: ['{HERE}:Marking', '{HERE}:Marking']", "is there twice"),
        (f"pipeline: [{{'{HERE}:Marking': {{marc: b}}}}]", "Marking: marc: Extra inputs"),
        (f"pipeline: [{{'{HERE}:Marking': {{mark: [1]}}}}]", "Marking: mark: Input should be"),
        ("pipeline: [{a: {}, b: {}}]", "each entry is a step's name"),
        (f"pipeline: [{{'{HERE}:Marking': {{mark: '${{GONE}}'}}}}]", "variable GONE is not"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_configuration(text, {})
    assert message in str(raised.value)
    assert "\n" not in str(raised.value).split(": ", 2)[-1] or "YAML" in message


def test_a_wrong_value_is_not_repeated_since_it_may_be_a_secret() -> None:
    with pytest.raises(UsageError) as raised:
        parse_configuration("stores: {redis: [redis://:hunter2@host]}", {})
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_configuration(tmp_path / "none.yaml")


def test_a_step_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    information = tmp_path / "stranger-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        f"[pilotlight.transformer_steps]\nstranger = {HERE}:Marking\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (choice,) = parse_configuration("pipeline: [{stranger: {mark: s}}]", {}).steps
    assert choice.step is Marking
