"""All of the others."""

from pilotlight_autoscaler.study.peers import break_even, cron, histogram, retention
from pilotlight_autoscaler.study.policy import Family


def peers(cold_start_s: float) -> tuple[Family, ...]:
    """Each with all its parameters.

    Args:
        cold_start_s: How long a start takes: those that start ahead of time look so far.
    """
    return (
        retention.knative(),
        retention.retention(),
        retention.floor(),
        cron.cron(),
        histogram.histogram(cold_start_s),
        break_even.break_even(),
        break_even.randomised(),
        break_even.learnt(),
    )
