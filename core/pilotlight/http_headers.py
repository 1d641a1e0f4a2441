"""Headers that predictor and transformer tell each other things with."""

REVISION = b"x-pilotlight-revision"
"""Of an answer: the Knative revision that made it."""
