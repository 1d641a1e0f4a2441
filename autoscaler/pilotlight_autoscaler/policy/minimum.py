"""The floor that the spec gives outright."""

from pilotlight.api.warmpool import Reason, Term, WarmPoolPolicy


def minimum_term(spec: WarmPoolPolicy) -> Term:
    """``minReplicas``."""
    message = f"minReplicas is {spec.min_replicas}"
    return Term(reason=Reason.MINIMUM, replicas=spec.min_replicas, message=message)
