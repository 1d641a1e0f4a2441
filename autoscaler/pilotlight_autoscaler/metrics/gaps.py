"""The idle times in a history."""

from pilotlight_autoscaler.demand import Demand


def gaps_of(demand: Demand, most: int = 500) -> tuple[float, ...]:
    """Lengths of the idle times between requests, in seconds, oldest first.

    Those that touch a time of which nothing is known are left out; so is the last one, which has
    not ended. A gap is as long as its idle bins.

    Args:
        demand: The history.
        most: No more than so many: the last ones.
    """
    idle = (demand.arrivals <= 0) & (demand.concurrency <= 0)
    found: list[float] = []
    length, whole = 0, False
    for is_known, is_idle in zip(demand.known, idle, strict=True):
        if not is_known:
            length, whole = 0, False
        elif is_idle:
            length += 1
        else:
            if length and whole:
                found.append(length * demand.step_s)
            length, whole = 0, True
    return tuple(found[-most:])
