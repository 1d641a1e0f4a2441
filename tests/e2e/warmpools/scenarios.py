"""What is done to a service on the cluster, and then again in the simulator."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from tests.e2e.gateway import Endpoint, completion
from tests.e2e.workspace import QUICK_TO_ZERO

DEADLINE_S = 60.0
TOKEN_S = 0.02
WINDOW = "autoscaling.knative.dev/window"
RETENTION = "autoscaling.knative.dev/scale-to-zero-pod-retention-period"
DELAY = "autoscaling.knative.dev/scale-down-delay"


@dataclass(frozen=True)
class Scenario:
    """Requests and floors over a minute or two.

    Args:
        name: Of the service, too.
        offsets_s: When requests are sent.
        lasts_s: How long each runs.
        floors: From a time on, a floor.
        annotations: Knative's, of the revision.
        max_scale: At most four pods: of more, Knative asks a random few.
    """

    name: str
    offsets_s: Sequence[float]
    lasts_s: float
    floors: Sequence[tuple[float, int]] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    target: int = 4
    max_scale: int = 4

    @property
    def tokens(self) -> int:
        """That take so long to generate."""
        return max(2, round(self.lasts_s / TOKEN_S))


def every(step_s: float, from_s: float, to_s: float) -> list[float]:
    count = int((to_s - from_s) / step_s)
    return [from_s + step_s * index for index in range(count)]


def ramp(from_s: float, to_s: float, first_step_s: float, last_step_s: float) -> list[float]:
    """Closer and closer."""
    at, found = from_s, []
    while at < to_s:
        found.append(at)
        share = (at - from_s) / (to_s - from_s)
        at += first_step_s + (last_step_s - first_step_s) * share
    return found


# No period is whole ticks long: it would end on a tick's edge, where the cluster's microseconds
# decide on which side.
SCENARIOS = (
    Scenario("burst", [0.0] * 14, 3.0, annotations=QUICK_TO_ZERO | {WINDOW: "11s"}),
    Scenario("ramp", ramp(0, 60, 2.0, 0.25), 2.0, annotations=QUICK_TO_ZERO | {WINDOW: "21s"}),
    Scenario(
        "on-off",
        [*every(0.5, 0, 10), *every(0.5, 35, 45)],
        2.0,
        annotations=QUICK_TO_ZERO | {WINDOW: "13s"},
    ),
    Scenario("kept", [0.0, 1.0], 1.0, annotations=QUICK_TO_ZERO | {WINDOW: "7s", RETENTION: "41s"}),
    Scenario(
        "floor",
        [5.0, *every(1.0, 30, 36)],
        1.0,
        floors=((12.0, 3), (45.0, 1), (70.0, 0)),
        annotations=QUICK_TO_ZERO | {WINDOW: "7s"},
    ),
    # Not looked at while the simulator was built.
    Scenario(
        "delayed",
        [*every(0.3, 0, 8), *every(1.5, 20, 40)],
        3.0,
        annotations=QUICK_TO_ZERO | {WINDOW: "9s", DELAY: "15s"},
        target=3,
    ),
)
COURSE_S = 110.0


@dataclass
class Sent:
    """What was really sent.

    Attributes:
        at: Wall clock of each request.
        took_s: How long answered requests took, waits for a replica included.
        failed: Requests without an answer.
        floors: When floors were really written.
    """

    at: list[float] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    failed: int = 0
    floors: list[tuple[float, int]] = field(default_factory=list)


async def play(scenario: Scenario, endpoint: Endpoint, begin_s: float, sent: Sent) -> None:
    """Send a scenario's requests at their times."""
    async with endpoint.async_http(DEADLINE_S) as client, asyncio.TaskGroup() as group:
        for offset_s in sorted(scenario.offsets_s):
            await asyncio.sleep(max(0.0, begin_s + offset_s - time.time()))
            group.create_task(_ask(client, scenario, endpoint.model, sent))


async def _ask(client: httpx.AsyncClient, scenario: Scenario, model: str, sent: Sent) -> None:
    body = completion(model, "x", max_tokens=scenario.tokens, ignore_eos=True)
    sent.at.append(begun := time.time())
    try:
        answer = await client.post("/v1/completions", json=body)
        sent.failed += answer.status_code != 200
        sent.took_s.append(time.time() - begun)
    except httpx.HTTPError:
        sent.failed += 1
