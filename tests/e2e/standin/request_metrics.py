"""The predictor's collector; in a pod the file itself lies here (:mod:`..standin.service`)."""

from pilotlight.request_metrics import STALL, FollowedRequest, RequestMetrics

__all__ = ["STALL", "FollowedRequest", "RequestMetrics"]
