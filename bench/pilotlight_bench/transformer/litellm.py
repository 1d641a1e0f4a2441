"""LiteLLM's proxy in a virtual environment of its own, made once by uv."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from pilotlight.errors import ProcessError, UsageError
from pilotlight.settings import CacheSettings
from pilotlight_bench.checkout import checkout
from pilotlight_bench.progress import say

VERSION = "1.106.2"
PACKAGES = (f"litellm[proxy]=={VERSION}", "granian==2.8.7", "aiohttp>=3.12", "uvloop>=0.21")
"""The bare forwarders live there too, so that nothing of theirs is in our environment."""
INSTALL_S = 600.0

ENVIRONMENT = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "DATABASE_URL": "",
}
"""As its documentation advises for production; the price list is not fetched."""
BEST = ("--run_granian", "--num_workers", "1")
"""The quickest of those tried on one core: uvicorn with one and two workers, granian with one."""


def environment() -> Path:
    """The folder of the environment, made if it is not there.

    Raises:
        UsageError: There is no uv.
        ProcessError: The packages cannot be installed.
    """
    folder = CacheSettings().directory / "bench" / f"litellm-{VERSION}"
    if (folder / "made").exists():
        return folder
    uv = shutil.which("uv") or str(checkout(Path(__file__).resolve()) / ".tools/bin/uv")
    if not Path(uv).is_file():
        raise UsageError(
            "uv is needed to install LiteLLM: pip install uv, or leave it out by --no-litellm"
        )
    say(f"installing LiteLLM {VERSION} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    _run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *PACKAGES)
    (folder / "made").touch()
    return folder


def write_config(path: Path, upstream_port: int, key: str) -> Path:
    """Write the proxy's file: one model, a master key, no logs of requests. YAML reads JSON."""
    upstream = {
        "model": "openai/bench",
        "api_base": f"http://127.0.0.1:{upstream_port}/v1",
        "api_key": "none",
    }
    config = {
        "model_list": [{"model_name": "bench", "litellm_params": upstream}],
        "litellm_settings": {
            "set_verbose": False,
            "callbacks": [],
            "num_retries": 0,
            "request_timeout": 600,
        },
        "general_settings": {
            "master_key": key,
            "disable_spend_logs": True,
            "disable_error_logs": True,
        },
    }
    path.write_text(json.dumps(config, indent=1))
    return path


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError(f"{' '.join(command[1:3])}: not done in {INSTALL_S:g} s") from error
    if done.returncode:
        raise ProcessError(
            f"LiteLLM cannot be installed (--no-litellm leaves it out):\n{done.stderr[-2000:]}"
        )
