"""What stable kept to before: limits, a band, and how much its errors come in bursts."""

from collections.abc import Mapping, Sequence

from pilotlight.api.analysis import TokenBand

ENOUGH = 100
"""With fewer requests nothing is learned from them."""
KEPT = 0.95
OUTSIDE = 0.05
BLOCKS = (1, 4)
"""Intervals that are looked at together: a burst may outlast one."""
FEWEST_BLOCKS = 20
"""From fewer a variance cannot be told."""
WINDOW = 20
"""Intervals over which the expected share is taken."""
Cell = tuple[float, float]
"""Bad and all of one pod in one interval."""


def limit_kept(spread: Mapping[float, float], total: float, share: float = KEPT) -> float | None:
    """The lowest limit that so large a share of the requests kept.

    Args:
        spread: By limit, the requests within it.
        total: All of them.
        share: Between 0 and 1.
    """
    if total < ENOUGH:
        return None
    return next((edge for edge in sorted(spread) if spread[edge] >= share * total), None)


def band_kept(spread: Mapping[float, float], total: float) -> TokenBand | None:
    """The band that nine tenths of the answers kept to, a twentieth below and above it.

    Args:
        spread: By edge, the answers of at most so many tokens.
        total: All answers.
    """
    if total < ENOUGH or not spread:
        return None
    edges = sorted(spread)
    below = [edge for edge in edges if spread[edge] <= OUTSIDE * total]
    high = next((edge for edge in edges if spread[edge] >= (1 - OUTSIDE) * total), edges[-1])
    low = int(below[-1]) + 1 if below else 0
    return TokenBand(min=low, max=max(1, int(high), low))


def dispersion(cells: Sequence[Mapping[str, Cell]]) -> float | None:
    """Variance of the bad counts in units of the binomial variance, at least 1.

    The expectation of a cell is the share of bad in its window of intervals, over all pods:
    a drift over hours is no burst, since both versions go through it together. A ratio of sums
    (McCullagh and Nelder, Generalized Linear Models, section 4.5, with weights) holds where
    many cells have no bad at all.

    Args:
        cells: By interval in order of time, the cells by pod.

    Returns:
        ``None`` with too few requests or intervals, or without any bad.
    """
    if sum(total for row in cells for _, total in row.values()) < ENOUGH:
        return None
    found = [estimate for size in BLOCKS if (estimate := _estimate(cells, size)) is not None]
    return max(1.0, *found) if found else None


def _estimate(cells: Sequence[Mapping[str, Cell]], size: int) -> float | None:
    blocks = [_joined(cells[i : i + size]) for i in range(0, len(cells) - size + 1, size)]
    if len(blocks) < FEWEST_BLOCKS:
        return None
    squares = variances = 0.0
    width = WINDOW // size
    for start in range(0, len(blocks), width):
        window = [cell for block in blocks[start : start + width] for cell in block if cell[1] > 0]
        total = sum(n for _, n in window)
        if len(window) < 2 or not total:
            continue
        share = min(1.0, sum(bad for bad, _ in window) / total)
        freedom = len(window) / (len(window) - 1)
        squares += freedom * sum((bad - n * share) ** 2 for bad, n in window)
        variances += total * share * (1 - share)
    return squares / variances if variances > 0 else None


def _joined(rows: Sequence[Mapping[str, Cell]]) -> list[Cell]:
    """One cell a pod."""
    found: dict[str, Cell] = {}
    for row in rows:
        for pod, (bad, total) in row.items():
            bad_so_far, total_so_far = found.get(pod, (0.0, 0.0))
            found[pod] = (bad_so_far + bad, total_so_far + total)
    return list(found.values())
