"""What is learnt from a service's history, and what it says of the floor now."""

from pilotlight_autoscaler.forecast.blend import Blend, learn_blend, shipped
from pilotlight_autoscaler.forecast.model import Model, from_json, learn, to_json, wakes_s
from pilotlight_autoscaler.forecast.terms import terms

__all__ = [
    "Blend",
    "Model",
    "from_json",
    "learn",
    "learn_blend",
    "shipped",
    "terms",
    "to_json",
    "wakes_s",
]
