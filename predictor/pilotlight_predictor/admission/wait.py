"""How long a request is expected to wait for the engine."""

# Beyond this an estimate says only that the engine hardly moves.
MAX_WAIT_S = 3600.0


def interactive_wait_s(
    ahead: float, service_rate: float | None, batch_share: float, *, batch_waits: bool
) -> float:
    """Seconds until ``ahead`` weighted tokens of interactive work have started.

    Args:
        ahead: Weighted tokens that start earlier, and the request's own if it must be made
            room for.
        service_rate: Weighted tokens per second; None while unknown, and then the answer is 0.
        batch_share: The batch class's least part, taken while batch work waits.
        batch_waits: Whether it does.
    """
    if service_rate is None:
        return 0.0
    return _seconds(ahead, service_rate * (1 - batch_share if batch_waits else 1))


def batch_wait_s(
    ahead: float,
    interactive: float,
    interactive_arrivals: float,
    service_rate: float | None,
    batch_share: float,
) -> float:
    """Seconds until ``ahead`` weighted tokens of batch work have started.

    The interactive work that waits goes first, and so does what arrives in the meantime:
    (ahead + interactive) / (rate - arrivals), the wait of the lower class in a priority queue
    (Cobham 1954). It is never longer than at the batch class's own share.

    Args:
        ahead: Weighted tokens of batch work.
        interactive: Weighted tokens of interactive work that wait.
        interactive_arrivals: Weighted tokens per second that arrive in the interactive class.
        service_rate: Weighted tokens per second; None while unknown, and then the answer is 0.
        batch_share: The batch class's least part.
    """
    if service_rate is None:
        return 0.0
    behind = _seconds(ahead + interactive, service_rate - interactive_arrivals)
    return min(behind, _seconds(ahead, service_rate * batch_share))


def _seconds(amount: float, rate: float) -> float:
    if amount <= 0:
        return 0.0
    return min(MAX_WAIT_S, amount / rate) if rate > 0 else MAX_WAIT_S
