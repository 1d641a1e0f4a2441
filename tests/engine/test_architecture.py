"""The model's class is imported once, in the server, also where vLLM's cache is empty."""

import json
from pathlib import Path

import pytest

from pilotlight_predictor.architecture import import_model_class
from tests.engine.predictor_process import launched


def test_a_fresh_pod_starts_no_process_to_look_at_the_model(model: Path, tmp_path: Path) -> None:
    """vLLM writes what that process found to its cache; a second import would take seconds."""
    cache = tmp_path / "cache"
    with launched(model, tmp_path, environment={"VLLM_CACHE_ROOT": str(cache)}) as predictor:
        predictor.wait_ready()
        config_s = predictor.metric("pilotlight_predictor_start_phase_seconds", phase="config")
        import_s = predictor.metric("pilotlight_predictor_start_phase_seconds", phase="import")
        text = predictor.complete("The capital of France is", max_tokens=4)["choices"][0]["text"]
    assert not (cache / "modelinfos").exists()
    assert 0 < config_s < import_s / 2
    assert "Paris" in text


@pytest.mark.parametrize(
    "config",
    [
        None,
        "no json",
        "[]",
        json.dumps({"architectures": None}),
        json.dumps({"architectures": [1, "NoSuchModel"]}),
    ],
)
def test_a_model_that_is_not_known_is_left_to_vllm(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    import_model_class(str(tmp_path))
