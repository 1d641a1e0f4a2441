"""Request histories: where they come from, and single requests drawn from them."""

from pilotlight_autoscaler.traffic.requests import Requests, read_requests

__all__ = ["Requests", "read_requests"]
