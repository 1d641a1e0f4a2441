"""The policy must not burn the event loop that streams tokens.

On a 2-core cloud machine: 10 000 offers, starts and ends of 5000 tenants take 0.26 s.
"""

import time

import pytest

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority
from tests.unit.predictor.admission.simulation import work

REQUESTS = 10_000


@pytest.mark.alone
@pytest.mark.parametrize("tenants", [1, 100, 5000])
def test_ten_thousand_offers_and_dispatches_take_less_than_a_second(tenants: int) -> None:
    queue = AdmissionQueue(Limits(kv_tokens=20_000, max_running=64, max_queue_tokens=10**9))
    works = [
        work(
            f"t{i % tenants}",
            prompt=i * 7919 % 900 + 1,
            priority=Priority.BATCH if i % 3 == 0 else Priority.INTERACTIVE,
            deadline=1e9,
        )
        for i in range(REQUESTS)
    ]
    began = time.process_time()
    for each in works:
        queue.offer(each, 0.0)
    served = 0
    while started := queue.dispatch(EngineObservation(0.5), 1.0):
        served += len(started)
        for each in started:
            queue.progress(each.id, 50, 1.0)
            queue.finish(each.id, 1.0)
    assert served == REQUESTS
    assert time.process_time() - began < 1.0
