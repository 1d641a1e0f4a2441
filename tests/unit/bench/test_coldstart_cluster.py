"""The cold start on a cluster: what is deployed, what is asked, what is told."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from pilotlight.errors import OperationError, UsageError
from pilotlight_bench.cluster import access
from pilotlight_bench.coldstart import cluster_figures
from pilotlight_bench.coldstart.benchmark import OURS, PLAIN, require_one_answer
from pilotlight_bench.coldstart.first_token import ask
from pilotlight_bench.coldstart.on_cluster import ClusterStart
from pilotlight_bench.coldstart.services import inference_service
from pilotlight_bench.coldstart.settings import ClusterInputs
from pilotlight_bench.command import app

INPUTS = ClusterInputs(
    namespace="default",
    image="dev.local/predictor:dev",
    storage_uri="pvc://models/small",
    model="small",
    engine=("--dtype", "float32", "--enforce-eager"),
    environment={"VLLM_CPU_NUM_OF_RESERVED_CPU": "0"},
)

STARTS = [
    ClusterStart(PLAIN, 40.0, " Paris", {"scale_up": 1.0, "boot": 38.0, "answer": 1.0}, {}),
    ClusterStart(OURS, 20.0, " Paris", {"scale_up": 1.0, "boot": 18.0}, {"import": 9.0}),
    ClusterStart(OURS, 22.0, " Paris", {"scale_up": 3.0, "boot": 20.0}, {"import": 11.0}),
    ClusterStart(PLAIN, 44.0, " Paris", {"scale_up": 1.0, "boot": 42.0, "answer": 1.0}, {}),
]


def test_both_servers_get_the_same_pod_but_for_their_program() -> None:
    ours, plain = (inference_service(peer, INPUTS)["spec"]["predictor"] for peer in (OURS, PLAIN))
    own = {"command", "args", "readinessProbe"}
    for spec in (ours, plain):
        arguments = spec["containers"][0]["args"]
        assert " ".join(INPUTS.engine) in " ".join(arguments)
        for field in own:
            assert spec["containers"][0].pop(field)
    assert ours == plain
    assert ours["minReplicas"] == 0
    assert {"name": "STORAGE_URI", "value": "pvc://models/small"} in ours["containers"][0]["env"]


def test_the_headline_is_a_ratio_of_medians() -> None:
    assert cluster_figures.headline(STARTS) == {"ratio": 0.5, "ours_s": 21.0, "plain_s": 42.0}


def test_tables_show_both_sides_each_step_and_our_phases() -> None:
    assert [row[0] for row in cluster_figures.starts_table(STARTS).rows] == [PLAIN, OURS]
    assert cluster_figures.steps_table(STARTS).rows == [
        ["scale_up", "1.00", "2.00"],
        ["boot", "40.00", "19.00"],
        ["answer", "1.00", "-"],
    ]
    phases = cluster_figures.phases_table(STARTS)
    assert phases is not None
    assert phases.rows == [["import", "10.00"]]


def test_a_server_that_tells_no_phases_has_no_table_of_them() -> None:
    assert cluster_figures.phases_table([start for start in STARTS if not start.phases]) is None


def test_different_answers_fail_it() -> None:
    other = ClusterStart(OURS, 20.0, " London", {}, {})
    with pytest.raises(OperationError, match="different answers"):
        require_one_answer([*STARTS, other])


Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> httpx.Client:
    transport = httpx.MockTransport(handler)
    return httpx.Client(transport=transport, base_url="http://gateway", headers={"Host": "small"})


def events(*texts: str, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps({'choices': [{'text': text}]})}\n\n" for text in texts]
    return ("".join(lines) + ("data: [DONE]\n\n" if done else "")).encode()


def test_the_first_piece_of_text_is_the_first_token() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Host"] == "small"
        assert json.loads(request.content)["stream"] is True
        return httpx.Response(200, content=events("", " Par", "is"))

    first = ask(client(answer), INPUTS)
    assert first.text == " Paris"
    assert first.seconds > 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(503, text="no healthy upstream"), "503: no healthy upstream"),
        (httpx.Response(200, content=events(" Par", done=False)), "broke off after ' Par'"),
        (httpx.Response(200, content=events()), "without a token"),
        (httpx.Response(200, content=b'data: {"error": "dead"}\n\n'), "error in it"),
    ],
)
def test_an_answer_that_is_not_whole_fails_it_and_is_not_asked_again(
    answer: httpx.Response, message: str
) -> None:
    asked = []

    def once(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    with pytest.raises(OperationError, match=message):
        ask(client(once), INPUTS)
    assert len(asked) == 1


def test_a_lost_connection_fails_it() -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too long", request=request)

    with pytest.raises(OperationError, match="not answered"):
        ask(client(lose), INPUTS)


def test_a_cluster_is_named_by_kubeconfig_and_gateway_together() -> None:
    named = access.find(Path("config"), "http://10.0.0.1/")
    assert named == access.Access(Path("config"), "http://10.0.0.1")
    with pytest.raises(UsageError, match="belong together"):
        access.find(Path("config"), None)


def _status_says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[1:] == ["cluster", "status", "--json"]
        return subprocess.CompletedProcess(command, 0, text, "")

    monkeypatch.setattr(subprocess, "run", run)


def test_without_a_name_it_is_the_local_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    status = {"running": True, "kubeconfig": "/state/config", "gateway": "http://10.96.0.9"}
    _status_says(monkeypatch, json.dumps(status))
    assert access.find(None, None) == access.Access(Path("/state/config"), "http://10.96.0.9")


@pytest.mark.parametrize("text", ['{"running": false}', "Usage: pilotlight"])
def test_no_local_cluster_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    _status_says(monkeypatch, text)
    with pytest.raises(UsageError, match="pilotlight cluster up"):
        access.find(None, None)


@pytest.mark.parametrize(
    ("place", "option"), [("cluster", "--plain-command"), ("host", "--gateway")]
)
def test_an_option_without_effect_is_refused(place: str, option: str) -> None:
    arguments = ["run", "coldstart", "--on", place, option, "x"]
    ended = CliRunner().invoke(app, arguments)
    assert isinstance(ended.exception, UsageError)
    assert option in str(ended.exception)
