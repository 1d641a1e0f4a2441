"""ServeGen traces: what is read, what is refused, and where nothing was recorded."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from pilotlight.errors import UsageError
from pilotlight_autoscaler.traffic import servegen

HEAD = "client,window_start_s,rate_rps,interarrival_cv,distribution,shape,scale"


def written(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "trace.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def row(client: str = "a", start: str = "600", **changed: str) -> str:
    values = {"rate": "0.5", "cv": "1.0", "law": "Gamma", "shape": "1.0", "scale": "2.0", **changed}
    return ",".join([client, start, *values.values()])


def test_windows_are_read_per_client_in_the_order_of_time(tmp_path: Path) -> None:
    path = written(tmp_path, row("b", "1200"), row("a", "600"), row("b", "600", law="Weibull"))
    first, second = servegen.read(path)
    assert (first.name, second.name) == ("b", "a")
    assert first.start_s.tolist() == [600.0, 1200.0]
    assert first.gamma.tolist() == [False, True]
    assert first.requests.tolist() == [300.0, 300.0]


def test_a_coefficient_of_variation_may_be_missing(tmp_path: Path) -> None:
    (client,) = servegen.read(written(tmp_path, row(cv=""), row(start="1200", cv="nan")))
    assert np.isnan(client.cv).all()


def test_gzip_is_told_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(gzip.compress(f"{HEAD}\n{row()}\n".encode()))
    assert len(servegen.read(path)) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (row(law="Pareto"), "line 2: the distribution is 'Pareto'"),
        (row(rate="0"), "line 2: rate_rps is 0"),
        (row(rate="nan"), "line 2: rate_rps is nan"),
        (row(shape="-1"), "line 2: shape is -1"),
        (row(scale="inf"), "line 2: scale is inf"),
        (row(cv="-0.1"), "line 2: interarrival_cv is -0.1"),
        (row(start="601"), "line 2: a window starts at 601 s"),
        (row(start="-600"), "line 2: a window starts at -600 s"),
        (row(shape="wide"), "line 2: could not convert"),
        ("a,600", "line 2"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_its_reason(
    tmp_path: Path, wrong: str, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        servegen.read(written(tmp_path, wrong))


def test_a_window_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="client a has the window at 600 s twice"):
        servegen.read(written(tmp_path, row(), row()))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column shape, scale"):
        servegen.read(written(tmp_path, head=HEAD.removesuffix(",shape,scale")))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bbroken", b"\xff\xfe\x00"])
def test_a_file_that_is_no_trace_is_refused_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"trace\.csv\.gz"):
        servegen.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        servegen.read(tmp_path / "none.csv")


def test_a_trace_without_windows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no window"):
        servegen.read(written(tmp_path))


def test_windows_missing_for_all_are_holes_and_for_one_are_not(tmp_path: Path) -> None:
    rows = [row("a", str(start)) for start in (0, 600, 2400, 4800)]
    clients = servegen.read(written(tmp_path, *rows, row("b", "1200"), row("b", "4200")))
    assert servegen.holes(clients).tolist() == [[1800.0, 2400.0], [3000.0, 4200.0]]
    assert servegen.end_s(clients) == 5400.0


def test_a_trace_without_holes_has_none(tmp_path: Path) -> None:
    clients = servegen.read(written(tmp_path, row("a", "0"), row("a", "600")))
    assert servegen.holes(clients).shape == (0, 2)
    assert np.asarray(servegen.holes(clients)).size == 0
