"""Policies side by side on one load."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pilotlight.api.warmpool import Prices, WarmPoolPolicy
from pilotlight.errors import UsageError
from pilotlight_autoscaler.kpa import targets
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.ours import Ours
from pilotlight_autoscaler.simulation.outcome import Outcome
from pilotlight_autoscaler.simulation.policies import ByClock, Clairvoyant, Fixed
from pilotlight_autoscaler.simulation.policy import FloorPolicy
from pilotlight_autoscaler.simulation.run import simulate_load
from pilotlight_autoscaler.simulation.service import ServiceModel

OURS = "warm-pool"
USUAL = ("knative", "retention-5m", "retention-15m", "retention-60m", "fixed-1", "clairvoyant")
_RETENTION = "retention-"
_FIXED = "fixed-"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class World:
    """What all policies are put under.

    Args:
        load: What comes.
        service: Its starts and its capacity.
        kpa: Knative's settings.
        spec: Of the warm pool.
    """

    load: Load
    service: ServiceModel
    kpa: KpaSettings
    spec: WarmPoolPolicy


@dataclass(frozen=True)
class Result:
    """What one policy came to.

    Args:
        name: Of the policy.
        outcome: Under it.
        seconds: Of a core, that the simulation took.
    """

    name: str
    outcome: Outcome
    seconds: float = 0.0

    def cost(self, prices: Prices) -> float:
        """Replica time and people's waiting, in the currency of the prices."""
        hours = self.outcome.replica_s / 3600
        return hours * prices.replica_hour + self.outcome.affected * prices.cold_start


def compare(world: World, names: Iterable[str]) -> tuple[Result, ...]:
    """Run each policy over the load.

    Raises:
        UsageError: There is no policy of such a name.
    """
    entered = [(name, *entry(world, name)) for name in names]
    return tuple(_result(world, *each) for each in entered)


def _result(world: World, name: str, kpa: KpaSettings, policy: FloorPolicy) -> Result:
    before = time.process_time()
    outcome = simulate_load(world.load, world.service, kpa, policy)
    return Result(name, outcome, time.process_time() - before)


def entry(world: World, name: str) -> tuple[KpaSettings, FloorPolicy]:
    """Knative's settings and the floor of a policy, by its name.

    Raises:
        UsageError: There is none of that name.
    """
    if name.startswith(_RETENTION):
        kept_s = _seconds(name, name.removeprefix(_RETENTION))
        return replace(world.kpa, scale_to_zero_pod_retention_period_s=kept_s), Fixed(0)
    if name.startswith(_FIXED) and name.removeprefix(_FIXED).isdecimal():
        return world.kpa, Fixed(int(name.removeprefix(_FIXED)))
    known: dict[str, Callable[[], FloorPolicy]] = {
        OURS: lambda: Ours(world.spec, world.service, targets.resolve(world.kpa).aimed_at),
        "schedule": lambda: ByClock(world.spec.schedules, max(world.service.starts)),
        "knative": lambda: Fixed(0),
        "clairvoyant": lambda: Clairvoyant(world.load, world.service),
    }
    if name not in known:
        raise UsageError(
            f"there is no policy {name!r}: choose among {', '.join(known)}, retention-15m (any "
            "time) and fixed-1 (any number)"
        )
    return world.kpa, known[name]()


def _seconds(name: str, text: str) -> float:
    unit = _UNITS.get(text[-1:])
    if unit is None or not text[:-1].isdecimal():
        raise UsageError(f"{name!r} needs a time such as 90s, 15m or 1h")
    return int(text[:-1]) * unit
