"""The log: for people, and as JSON lines."""

import json
import logging

import pytest

from anju.output import JsonLines, ReadableLines


def record(text: str, *args: object, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("cloud.x", logging.INFO, "x.py", 1, text, args, exc_info)  # type: ignore[arg-type]


def test_the_facts_of_a_line_are_its_fields() -> None:
    facts = {"press": "gw-a/j/alarm/1", "ms": 3, "by": None}

    line = json.loads(JsonLines().format(record("press %(press)s after %(ms)d", facts)))

    assert line["text"] == "press gw-a/j/alarm/1 after 3"
    assert (line["press"], line["ms"], line["level"], line["logger"]) == (
        facts["press"],
        3,
        "info",
        "cloud.x",
    )
    assert "by" not in line


def test_a_failure_keeps_its_trace_on_the_one_line() -> None:
    try:
        raise ValueError("odd\nthing")
    except ValueError as error:
        exc_info = (ValueError, error, error.__traceback__)

    text = JsonLines().format(record("failed", exc_info=exc_info))

    assert "\n" not in text
    assert "ValueError: odd" in json.loads(text)["trace"]


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines("%(message)s")])
def test_what_somebody_else_wrote_begins_no_line_of_its_own(formatter: logging.Formatter) -> None:
    assert "\n" not in formatter.format(record("topic %s", "a\nINFO all is well\x1b[2J"))
    assert "\x1b" not in formatter.format(record("topic %s", "\x1b[2J"))


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines("%(message)s")])
def test_the_values_of_a_row_that_a_database_refused_are_left_out(
    formatter: logging.Formatter,
) -> None:
    quoted = "duplicate key\nDETAIL:  Key (name)=(Wang) already exists.\n[parameters: ('Wang',)]"

    try:
        raise ValueError(quoted)
    except ValueError as error:
        exc_info = (ValueError, error, error.__traceback__)

    assert "Wang" not in formatter.format(record("failed: %s", quoted))
    assert "duplicate key" in formatter.format(record("failed", exc_info=exc_info))
    assert "Wang" not in formatter.format(record("failed", exc_info=exc_info)).partition("raise")[2]
