"""The questions to Prometheus, answered by a real one that remembers a day we made up."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from pilotlight.metrics.prometheus import Prometheus
from pilotlight_autoscaler.metrics.past import PrometheusPast
from pilotlight_autoscaler.metrics.queried import PrometheusSource
from pilotlight_autoscaler.metrics.subject import Pod, Subject

HOURS = 3
STEP = 15
START = (int(time.time()) // 3600 - HOURS - 1) * 3600
END = START + HOURS * 3600
REVISION = "chat-predictor-00001"
CHAT = Subject("team", "chat", revisions=(REVISION,))
KN = f'k8s_namespace_name="team",kn_revision_name="{REVISION}"'
P = "pilotlight_predictor_"


def pod(name: str, revision: str = REVISION) -> str:
    return f'namespace="team",pod="{revision}-deployment-{name}"'


class Written:
    """OpenMetrics text, family by family."""

    def __init__(self) -> None:
        self.families: dict[str, list[str]] = {}

    def add(self, name: str, labels: str, at: float, value: float, kind: str = "gauge") -> None:
        family = name.removesuffix("_total").removesuffix("_count")
        head = [f"# TYPE {family} {kind}"]
        self.families.setdefault(family, head).append(f"{name}{{{labels}}} {value} {at}")

    def text(self) -> str:
        return "\n".join(line for lines in self.families.values() for line in lines) + "\n# EOF\n"


def day() -> str:
    """An hour each of: a replica at work; nobody at all; one that wakes, at 30 minutes past.

    In the first hour one request comes a minute, and the replica is not scraped for ten minutes
    after the 30th. In the second hour Knative is not scraped for 20 minutes after the 20th.
    """
    written = Written()
    for at in range(START, END, STEP):
        minute = (at - START) / 60
        is_blind = 80 <= minute < 100
        if not is_blind:
            up = minute < 60 or minute >= 150
            written.add("kn_revision_pods_count", KN, at, float(up))
            busy = 1.0 if minute < 60 else 2.5 if 150 <= minute < 155 else 0.0
            written.add("kn_revision_concurrency_stable", KN, at, busy)
        if minute < 60 and not 30 <= minute < 40:
            first = pod("6f9c7b-aaaaa")
            count = int(minute) + 1
            written.add(f"{P}request_arrivals_total", first, at, 5000 + count, "counter")
            written.add(f"{P}counting_since_seconds", first, at, START - 90_000)
        if minute >= 150:
            second = pod("6f9c7b-bbbbb")
            # Four have waited for it; it is scraped for the first time when they were let in.
            arrived = 4 + (10 if minute >= 160 else 0)
            written.add(f"{P}request_arrivals_total", second, at, arrived, "counter")
            written.add(f"{P}counting_since_seconds", second, at, START + 149 * 60)
            phase = f'{second},phase="total"'
            written.add(f"{P}start_phase_seconds", phase, at, 42.0)
        other = 'namespace="team",pod="chat-predictor-predictor-00001-deployment-6f9c7b-ccccc"'
        written.add(f"{P}request_arrivals_total", other, at, minute * 100, "counter")
        written.add("up", 'job="any"', at, 1.0)
    return written.text()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    program, tool = shutil.which("prometheus"), shutil.which("promtool")
    if program is None or tool is None:
        pytest.skip("there is no prometheus here")
    (folder / "day.txt").write_text(day())
    data = folder / "data"
    backfill = [
        tool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(folder / "day.txt"),
        str(data),
    ]
    subprocess.run(backfill, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _until_ready(url)
        with Prometheus(url) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)


def _until_ready(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/-/ready", timeout=1).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError("Prometheus did not start")


def test_a_day_is_remembered_as_it_was(prometheus: Prometheus) -> None:
    found = PrometheusPast(prometheus).demand(CHAT, START, END)
    assert (found.start_s, len(found.arrivals)) == (START, 60 * HOURS)
    # Of a counter that is first seen nothing is known; then one a minute comes, and what came
    # while the replica could not be scraped comes with the next scrape.
    assert not found.known[0]
    assert found.arrivals[1:29] == pytest.approx(np.ones(28))
    assert found.arrivals[29:39].sum() == 0
    assert found.arrivals[39] == 11
    assert found.arrivals[1:60].sum() == pytest.approx(58)
    assert found.concurrency[1:59] == pytest.approx(np.ones(58))
    # At zero, Knative tells that there is nobody: known, and idle.
    assert found.known[61:80].all()
    assert found.arrivals[61:80].sum() == 0
    assert found.concurrency[62:80].sum() == 0
    # Without Knative nothing is known; after so long not of the first minute either.
    assert not found.known[82:100].any()
    assert found.known[100:].all()
    # Those who waited for the start are counted, although the replica came with a count.
    assert found.arrivals[100:155].sum() == 4
    assert found.arrivals[155:].sum() == 10


def test_another_services_pods_are_not_this_ones(prometheus: Prometheus) -> None:
    found = PrometheusPast(prometheus).demand(CHAT, START, END)
    assert found.arrivals.max() == 11


def test_how_long_starts_took_is_remembered(prometheus: Prometheus) -> None:
    assert PrometheusPast(prometheus).cold_start_s(CHAT, END, 86400) == 42


def test_a_look_finds_what_was_scraped_last(prometheus: Prometheus) -> None:
    class AtTheEnd:
        def time(self) -> float:
            return END - 5.0

        def monotonic(self) -> float:
            return 0.0

    name = f"{REVISION}-deployment-6f9c7b-bbbbb"
    chat = Subject("team", "chat", revisions=(REVISION,), pods=(Pod(name, REVISION),))
    found = PrometheusSource(prometheus, AtTheEnd()).read([chat])["chat"]
    assert found.requests == {name: 14}
    assert found.starts == {name: 42}
