"""A person's request as it travels: one annotation of the InferenceRollout."""

import json
from collections.abc import Mapping
from typing import Any

from pilotlight_canary.observation import Action, Request

ANNOTATION = "pilotlight.dev/request"
LONGEST_ID = 64


def text_of(request: Request) -> str:
    """The annotation's value."""
    return json.dumps({"id": request.id, "action": request.action.value, "by": request.by})


def request_of(document: Mapping[str, Any]) -> Request | None:
    """The request that an InferenceRollout carries; ``None``: it has none that can be read.

    Anybody may write annotations by hand, so that nonsense is no error.
    """
    annotations = (document.get("metadata") or {}).get("annotations") or {}
    try:
        said = json.loads(annotations[ANNOTATION])
        id_, by = said["id"], said.get("by") or ""
        if not isinstance(id_, str) or not 0 < len(id_) <= LONGEST_ID or not isinstance(by, str):
            return None
        return Request(id_, Action(said["action"]), by)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
