"""Log lines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from pilotlight.telemetry import bound_request_id, configure_logging


@pytest.fixture(autouse=True)
def _root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _logged(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_request_it_belongs_to_and_no_other() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logger = logging.getLogger("some.part")
    with bound_request_id("outer"):
        with bound_request_id("inner"):
            logger.info("one")
        logger.info("two")
    logger.info("three")
    assert [line.get("request_id") for line in _logged(stream)] == ["inner", "outer", None]


def test_extra_fields_are_fields_of_the_line() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logging.getLogger("p").warning("slow %s", "step", extra={"seconds": 3.5, "odd": {1}})
    (line,) = _logged(stream)
    assert line["message"] == "slow step"
    assert line["level"] == "warning"
    assert line["logger"] == "p"
    assert line["seconds"] == 3.5
    assert line["odd"] == "{1}"


def test_a_line_break_in_a_message_stays_inside_its_line() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    try:
        int("first\nsecond")
    except ValueError:
        logging.getLogger("p").exception("went\nwrong")
    (line,) = _logged(stream)
    assert line["message"] == "went\nwrong"
    assert "ValueError: invalid literal" in str(line["exception"])


def test_the_level_is_a_floor() -> None:
    stream = io.StringIO()
    configure_logging("warning", stream=stream)
    logging.getLogger("p").info("unheard")
    assert _logged(stream) == []


def test_handlers_from_before_write_no_second_line() -> None:
    before, stream = io.StringIO(), io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(before))
    configure_logging(stream=stream)
    logging.getLogger("p").info("once")
    assert before.getvalue() == ""
    assert len(_logged(stream)) == 1


def test_lines_for_people_name_the_request_too() -> None:
    stream = io.StringIO()
    configure_logging(json=False, stream=stream)
    with bound_request_id("r-1"):
        logging.getLogger("p").info("hello")
    assert stream.getvalue().startswith("[r-1] ")
    assert stream.getvalue().endswith("p: hello\n")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("loud")
