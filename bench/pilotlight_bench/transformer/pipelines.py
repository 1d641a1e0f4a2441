"""The pipelines that are measured, from nothing to all that needs no model."""

import hashlib
from pathlib import Path

_AUTH = """
  - auth:
      keys_database: false
      keys: [{tenant: bench, key_sha256: DIGEST}]
"""
_LIMITS = """
  - ratelimit:
      key:
        requests: {rate: 1000000/s, burst: 1000000000}
        tokens: {rate: 1000000000/s, burst: 1000000000000}
"""
_ALL = f"""
  - audit
{_AUTH}
  - conversation
  - safety:
      deny: [{{name: project, words: [project nightfall]}}]
      pii: [{{action: redact}}]
      injection: {{action: flag}}
  - validate
{_LIMITS}
  - feedback
  - cache
  - format:
      repetition: {{repeats: 6}}
"""
PIPELINES = {"empty": " []", "auth": _AUTH + _LIMITS, "all": _ALL}


def write_pipeline(folder: Path, name: str, key: str) -> Path:
    """Write one of them with this client's key, its stores in ``folder``; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = PIPELINES[name].replace("DIGEST", hashlib.sha256(key.encode()).hexdigest())
    path = folder / f"{name}.yaml"
    path.write_text(f"stores: {{folder: {folder / name}}}\npipeline:{steps}\n")
    return path
