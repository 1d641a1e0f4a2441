"""What a WarmPool refuses, in words."""

import pytest
from pydantic import ValidationError

from tests.unit.autoscaler.policy.pool import policy

OFFICE = {"timezone": "UTC", "start": "0 8 * * 1-5", "end": "0 19 * * 1-5", "desiredReplicas": 1}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"schedules": [OFFICE | {"start": "0 25 * * *"}]}, "'25' is no hour: from 0 to 23"),
        ({"schedules": [OFFICE | {"end": "0 8 31 2 *"}]}, "never comes"),
        ({"schedules": [OFFICE | {"end": "0 8 * *  1-5"}]}, "it never ends"),
        ({"sleep": [{"level": 3, "replicaHour": 1, "wakeSeconds": 2}]}, "less than or equal to 2"),
        ({"pressure": {"kvCachePercent": 101}}, "less than or equal to 100"),
    ],
)
def test_a_bad_warm_pool_is_refused_in_words(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        policy(**fields)
