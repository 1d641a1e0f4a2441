"""No policy is told the future: what comes later changes no plan."""

import numpy as np
import pytest

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.ours import pilotlight
from pilotlight_autoscaler.study.peers.everybody import peers
from pilotlight_autoscaler.study.policy import Family
from pilotlight_autoscaler.study.population import WEEK_S, Service
from tests.unit.autoscaler.study.gap_worlds import service_of

DAY_S = 86400.0
Plan = list[tuple[float, float]]


def busy_days(random: np.random.Generator) -> Floats:
    """Bursts of minutes, most of them by day."""
    hours = random.normal(12.0, 4.0, 300) % 24
    begins = random.integers(0, 14, 300) * DAY_S + hours * 3600
    return np.sort(np.concatenate([begin + random.uniform(0, 300, 12) for begin in begins]))


def planned(family: Family, service: Service, until_s: float) -> list[Plan]:
    """What each gap that begins until then is given, by a setting in the middle."""
    policy = family.settings[len(family.settings) // 2].policy
    plan = policy.plan(service, service.learning, service.scoring)
    count = int((service.scoring.begin_s <= until_s).sum())
    return [
        sorted(zip(plan.start_s[plan.gap == gap], plan.stop_s[plan.gap == gap], strict=True))
        for gap in range(count)
    ]


@pytest.mark.parametrize("name", [family.name for family in (pilotlight(60.0), *peers(60.0))])
def test_another_future_changes_no_plan_of_the_past(name: str) -> None:
    random = np.random.default_rng(3)
    times = busy_days(random)
    gaps = service_of(times).scoring
    now = float(gaps.begin_s[len(gaps) // 2])
    soon = np.sort(random.uniform(now + 61.0, 2 * WEEK_S, 3000))
    plans = []
    for later in (times[times > now], soon, np.empty(0)):
        # Anew, so that nothing is remembered of another future.
        family = next(each for each in (pilotlight(60.0), *peers(60.0)) if each.name == name)
        plans.append(planned(family, service_of(np.r_[times[times <= now], later]), now))
    assert len(plans[0]) > 20
    assert any(plans[0])
    # A schedule is planned no further than the gap came: its last plan may differ in length.
    count = len(plans[0]) - (name == "cron")
    for other in plans[1:]:
        assert other[:count] == plans[0][:count]
