"""Where the shipped blend comes from: first weeks only."""

import numpy as np

from pilotlight_autoscaler.study.ours import demand
from pilotlight_autoscaler.study.population import WEEK_S
from tests.unit.autoscaler.study.gap_worlds import service_of


def test_the_weeks_that_score_are_not_in_what_weights_are_learnt_from() -> None:
    random = np.random.default_rng(7)
    first = np.sort(random.uniform(0.0, WEEK_S - 1.0, 500))
    seconds = (np.sort(random.uniform(WEEK_S, 2 * WEEK_S, count)) for count in (10, 5000))
    learnt = [
        demand(service, service.learnt.end_s)
        for service in (service_of(np.r_[first, second]) for second in seconds)
    ]
    assert learnt[0].end_s == WEEK_S
    assert learnt[0].arrivals.sum() == 500.0
    np.testing.assert_array_equal(learnt[0].arrivals, learnt[1].arrivals)
