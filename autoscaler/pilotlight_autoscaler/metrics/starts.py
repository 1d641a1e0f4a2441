"""How long starts take, of the replicas that were seen to start."""

from collections.abc import Mapping, Sequence

import numpy as np

KEPT = 100
SHARE = 95.0


def percentile(seconds: Sequence[float]) -> float | None:
    """The 95th percentile, no smaller than a start that was measured; ``None`` without any."""
    if not seconds:
        return None
    return float(np.percentile(np.asarray(seconds), SHARE, method="higher"))


def with_seen(kept: Mapping[str, float], seen: Mapping[str, float]) -> dict[str, float]:
    """The last starts by replica, with those of one more look; the newest are last.

    A replica starts once: what its conditions say later is of another readiness.
    """
    new = {name: seconds for name, seconds in seen.items() if name not in kept}
    return dict(list({**kept, **new}.items())[-KEPT:]) if new else dict(kept)
