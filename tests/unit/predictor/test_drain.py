"""Draining: what runs may end, what comes late is refused."""

import asyncio

import pytest

from pilotlight.errors import Unavailable
from pilotlight_predictor.drain import Drain, DrainPlan
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.request import RequestContext


def _open() -> InFlight:
    inflight = InFlight()
    inflight.open()
    return inflight


async def _request(inflight: InFlight, seconds: float) -> str:
    context = RequestContext("r")
    inflight.enter(context)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        return "cut"
    finally:
        inflight.leave(context)
    return "whole"


def test_before_it_is_opened_every_request_is_refused() -> None:
    with pytest.raises(Unavailable, match="loading"):
        InFlight().enter(RequestContext("r"))


async def test_running_requests_end_and_late_ones_are_refused() -> None:
    inflight = _open()
    running = asyncio.create_task(_request(inflight, 0.2))
    await asyncio.sleep(0)
    drain = asyncio.create_task(Drain(inflight).run(DrainPlan(delay_s=0.05, grace_s=5)))
    await asyncio.sleep(0.01)
    within_the_delay = asyncio.create_task(_request(inflight, 0.1))
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        inflight.enter(RequestContext("late"))
    assert (await drain).cut == 0
    assert await running == await within_the_delay == "whole"


async def test_an_idle_server_drains_after_its_delay_alone() -> None:
    begin = asyncio.get_running_loop().time()
    assert (await Drain(_open()).run(DrainPlan(delay_s=0.05, grace_s=60))).cut == 0
    assert asyncio.get_running_loop().time() - begin < 1


async def test_the_end_of_the_grace_period_cuts_what_runs() -> None:
    inflight = _open()
    running = asyncio.create_task(_request(inflight, 60))
    await asyncio.sleep(0)
    result = await Drain(inflight).run(DrainPlan(delay_s=0, grace_s=0.05))
    assert result.cut == 1
    assert "grace period of 0.05 s" in result.reason
    assert await running == "cut"


@pytest.mark.parametrize("delay_s", [0.0, 60.0])
async def test_a_hurry_cuts_the_delay_and_the_requests(delay_s: float) -> None:
    inflight = _open()
    running = asyncio.create_task(_request(inflight, 60))
    await asyncio.sleep(0)
    drain = Drain(inflight)
    draining = asyncio.create_task(drain.run(DrainPlan(delay_s=delay_s, grace_s=120)))
    await asyncio.sleep(0.02)
    drain.hurry("a second signal came")
    drain.hurry("a later reason does not replace the first")
    result = await asyncio.wait_for(draining, 5)
    assert (result.cut, result.reason) == (1, "a second signal came")
    assert await running == "cut"


async def test_what_a_request_holds_is_given_back_once() -> None:
    inflight = _open()
    context = RequestContext("r")
    given_back: list[str] = []
    context.on_end.append(lambda: given_back.append("ticket"))
    inflight.enter(context)
    inflight.leave(context)
    inflight.leave(context)
    assert given_back == ["ticket"]
    assert len(inflight) == 0
