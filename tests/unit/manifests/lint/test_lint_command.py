"""``pilotlight manifests lint`` as people call it."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pilotlight_manifests.lint.rules.catalogue import DOCUMENT_RULES, IDS, WORKLOAD_RULES

BAD = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    annotations: {features.knative.dev/http-full-duplex: Enabled}
    minReplicas: 0
    timeout: 900
    containers:
      - {name: kserve-container, image: "vllm/vllm-openai:latest"}
"""
GOOD = BAD.replace("900", "600").replace("latest", "v0.32.0")
DOCS = Path(__file__).parents[4] / "docs" / "lint.md"


def run(*args: str | Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    program = "from pilotlight.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "manifests", "lint", *map(str, args)],
        capture_output=True,
        text=True,
        input=stdin,
        check=False,
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return file


def test_a_finding_has_place_rule_reason_and_remedy(bad: Path) -> None:
    result = run(bad)
    assert result.returncode == 1
    head, why, do, *_ = result.stdout.splitlines()
    assert head == f"{bad}:8: error timeout-above-maximum  InferenceService chat"
    assert why.startswith("    the timeout of 900 s is above Knative's maximum of 600 s")
    assert do.startswith("    do: write 600 or less")
    assert result.stdout.splitlines()[-1] == "1 object: 1 error, 1 info"


def test_information_alone_is_clean() -> None:
    text = BAD.replace("900", "600")
    assert run("-", stdin=text).returncode == 0
    assert run("-", "--severity", "info", stdin=text).returncode == 1
    assert run("-", stdin=GOOD).stdout == "1 object: nothing found\n"


def test_rules_are_selected_and_ignored(bad: Path) -> None:
    assert run(bad, "--ignore", "timeout-above-maximum").returncode == 0
    assert run(bad, "--select", "gpus-idle").returncode == 0
    assert run(bad, "--select", "timeout-above-maximum").returncode == 1
    unknown = run(bad, "--ignore", "no-such-rule")
    assert unknown.returncode == 2
    assert "no rule is called 'no-such-rule'" in unknown.stderr


def test_json_holds_the_same(bad: Path) -> None:
    result = run(bad, "--json")
    assert result.returncode == 1
    found = json.loads(result.stdout)["findings"][0]
    assert {k: found[k] for k in ("file", "line", "object", "rule", "severity")} == {
        "file": str(bad),
        "line": 8,
        "object": "InferenceService chat",
        "rule": "timeout-above-maximum",
        "severity": "error",
    }


def test_a_directory_is_searched_and_templates_in_it_are_passed_over(bad: Path) -> None:
    (bad.parent / "chart").mkdir()
    template = bad.parent / "chart" / "template.yml"
    template.write_text("a: {{ .Values.a }} b\n")
    (bad.parent / "notes.txt").write_text("a: [")
    result = run(bad.parent)
    assert result.returncode == 1
    assert f"note: passed over: {template}: not YAML: line 1" in result.stderr
    assert run(template).returncode == 2


@pytest.mark.parametrize(
    "args", [[], ["no-such-file.yaml"], ["-", "--default-mode", "Odd"], ["-", "--severity", "x"]]
)
def test_wrong_usage_is_exit_code_2(args: list[str]) -> None:
    assert run(*args).returncode == 2


def test_what_is_deployed_now_is_compared_with(bad: Path) -> None:
    new = bad.parent / "new.yaml"
    new.write_text(GOOD.replace("minReplicas: 0", "minReplicas: 2"))
    old = bad.parent / "old.yaml"
    old.write_text(GOOD)
    result = run(new, "--against", old)
    assert result.returncode == 1
    assert "scaling-edit-makes-revision" in result.stdout


def test_a_start_is_read_from_a_file_or_a_metrics_page(bad: Path) -> None:
    bad.write_text(GOOD)
    phases = bad.parent / "phases.json"
    phases.write_text(json.dumps({"import": 3.0, "total": 700.5}))
    assert "cold-start-exceeds-timeout" in run(bad, "--start-phases", phases).stdout
    assert run(bad, "--start-phases", f"mail={phases}").returncode == 0
    phases.write_text("{}")
    assert run(bad, "--start-phases", phases).returncode == 2
    page = 'pilotlight_predictor_start_phase_seconds{phase="total"} 650.25\n'
    with _serving(page) as url:
        result = run(bad, "--start-phases", f"chat={url}")
    assert "a start took 650.2 s" in result.stdout
    assert run(bad, "--start-phases", url).returncode == 1


class _serving:  # noqa: N801 - read as a verb
    """A metrics page at a port of its own."""

    def __init__(self, page: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/metrics"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_every_rule_says_why_and_stands_in_the_docs() -> None:
    text = DOCS.read_text()
    assert len(set(IDS)) == len(IDS)
    assert [name for name in IDS if f"`{name}`" not in text] == []
    rules: tuple[object, ...] = (*WORKLOAD_RULES, *DOCUMENT_RULES)
    assert all(rule.__doc__ for rule in rules)
