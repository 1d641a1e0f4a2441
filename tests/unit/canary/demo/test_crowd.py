"""The crowd asks at its own times, and counts what came back."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from aiohttp import web

from pilotlight.errors import OperationError
from pilotlight_canary.demo.crowd import VERSION_HEADER, Crowd, p95


class Server:
    """Answers as the stand-in does; every tenth request fails, every other is cut."""

    def __init__(self) -> None:
        self.asked = 0
        self.hosts: set[str] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.add_routes([web.post("/v1/completions", self._answer)])
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        number, self.asked = self.asked, self.asked + 1
        self.hosts.add(request.headers["Host"])
        if number % 10 == 0:
            return web.json_response({"error": "told to fail"}, status=500)
        response = web.StreamResponse(headers={VERSION_HEADER: str(1 + number % 2)})
        await response.prepare(request)
        await response.write(b'data: {"choices": []}\n\n')
        if number % 10 != 1:
            await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.stop()


def test_answers_errors_and_cut_streams_are_told_apart_and_nothing_is_lost(server: Server) -> None:
    with Crowd(f"http://127.0.0.1:{server.port}", "chat.models.example.com", rate=200) as crowd:
        while crowd.tally().asked < 200:
            time.sleep(0.05)
    tally = crowd.tally()
    assert server.hosts == {"chat.models.example.com"}
    assert tally.asked == server.asked
    assert tally.failed == sum(1 for n in range(server.asked) if n % 10 in (0, 1))
    assert set(tally.by_version) == {"1", "2"}
    assert all(0 < seconds < 5 for seconds in tally.p95_s.values())


def test_a_gateway_that_is_not_there_makes_failures_not_silence() -> None:
    with Crowd("http://127.0.0.1:9", "chat", rate=100) as crowd:
        while crowd.tally().failed < 5:
            time.sleep(0.05)
    assert crowd.tally().whole == 0


def test_a_crowd_that_ended_by_itself_is_an_error() -> None:
    crowd = Crowd("http://127.0.0.1:9", "chat", rate=100)
    with pytest.raises(OperationError, match="ended by itself"):
        crowd.tally()


@pytest.mark.parametrize(("values", "expected"), [([], 0.0), ([3.0], 3.0), (range(100), 95)])
def test_the_95th_percentile(values: list[float], expected: float) -> None:
    assert p95(values) == expected
