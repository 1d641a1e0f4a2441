"""Who keeps what warm: greedily, by what a miss costs per GPU and hour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pilotlight_autoscaler.policy.budget.ask import Ask, Grant, Held

MARGIN = 0.25
"""So much more than an incumbent's a challenger's replica has to be worth."""
HOLD_S = 600.0
"""For so long an incumbent of the same priority is left in peace."""


@dataclass(frozen=True)
class _Item:
    """One replica of one ask."""

    ask: Ask
    held_gpus: int
    """0: it is not held."""
    rank: tuple[int, bool, float, bool, str, int]
    """The lowest comes first."""


def allocate(asks: Sequence[Ask], gpus: int, before: Mapping[str, Held]) -> Mapping[str, Grant]:
    """Replicas that each pool may keep warm.

    Replicas are taken in the order of priority, then of worth per GPU, and a replica that does not
    fit is left out. Within one priority and without incumbents that is worth at least
    1 - (g - 1) / G of the best choice, g being the most GPUs of a replica and G those to share:
    what is taken up to the first replica that does not fit fills all but g - 1 of them, and
    nothing that is left is denser. With all replicas of one size it is the best choice. An
    incumbent counts for ``MARGIN`` more than it is worth, which costs at most that share.

    What is granted never exceeds the GPUs, nor does it together with what others have not let go
    of yet: pre-emption takes two looks. Where more is held already, because the budget was cut,
    nobody gets more until it fits.

    Args:
        asks: One of each pool.
        gpus: To be shared.
        before: By pool, what it holds now; one that asks no more counts until it holds nothing.

    Raises:
        ValueError: A pool asks twice, or for less than nothing.
    """
    _check(asks)
    ranked = sorted(_items(asks, before), key=lambda item: item.rank)
    room = max(0, gpus - sum(held.replicas * held.gpus for held in before.values()))
    granted = {ask.pool: 0 for ask in asks}
    for item in _filled(ranked, max(0, gpus)):
        more = max(0, item.ask.gpus - item.held_gpus)
        if more <= room:
            room -= more
            granted[item.ask.pool] += 1
    return {ask.pool: _grant(ask, granted[ask.pool], gpus) for ask in asks}


def _check(asks: Sequence[Ask]) -> None:
    if len({ask.pool for ask in asks}) != len(asks):
        raise ValueError("a pool asks twice")
    if any(ask.replicas < 0 or ask.gpus < 0 for ask in asks):
        raise ValueError("a pool asks for less than nothing")


def _items(asks: Iterable[Ask], before: Mapping[str, Held]) -> Iterable[_Item]:
    for ask in asks:
        held = before.get(ask.pool, Held(0, ask.gpus))
        for index, density in enumerate(ask.densities()):
            is_held = index < held.replicas
            protected = is_held and held.held_s < HOLD_S
            weight = density * (1 + MARGIN) if is_held else density
            # Of equals the one that holds its place keeps it.
            rank = (-ask.priority, not protected, -weight, not is_held, ask.pool, index)
            yield _Item(ask, held.gpus if is_held else 0, rank)


def _filled(ranked: Iterable[_Item], gpus: int) -> list[_Item]:
    taken = []
    for item in ranked:
        if item.ask.gpus <= gpus:
            gpus -= item.ask.gpus
            taken.append(item)
    return taken


def _grant(ask: Ask, replicas: int, gpus: int) -> Grant:
    if replicas == ask.replicas:
        return Grant(ask.pool, replicas)
    needed = ask.replicas * ask.gpus
    message = f"{replicas} of {ask.replicas} replicas: {needed} GPUs are asked for, {gpus} shared"
    return Grant(ask.pool, replicas, message)
