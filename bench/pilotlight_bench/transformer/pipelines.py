"""The pipelines that are measured, from nothing to all that needs no model."""

import hashlib
from pathlib import Path

AUTH = """
  - auth:
      keys_database: false
      keys: [{{tenant: bench, key_sha256: {digest}}}]
"""
LIMITS = """
  - ratelimit:
      key:
        requests: {{rate: 1000000/s, burst: 1000000000}}
        tokens: {{rate: 1000000000/s, burst: 1000000000000}}
"""
PIPELINES = {
    "empty": "",
    "auth": AUTH + LIMITS,
    "all": f"""
  - audit
{AUTH}
  - conversation
  - safety: {{{{deny: {{{{words: [forbidden]}}}}, pii: {{{{}}}}}}}}
  - validate
{LIMITS}
  - feedback
  - cache
  - format
""",
}


def write_pipeline(folder: Path, name: str, key: str) -> Path:
    """Write one of them with this client's key, its stores in ``folder``; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = PIPELINES[name].format(digest=hashlib.sha256(key.encode()).hexdigest())
    path = folder / f"{name}.yaml"
    path.write_text(f"stores: {{folder: {folder / name}}}\npipeline:{steps or ' []'}\n")
    return path
