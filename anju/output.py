"""What every command has: its options, one JSON document or a table on stdout, logs on stderr."""

import argparse
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from typing_extensions import override

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - its only name
LOUD: Final = ("alembic", "apscheduler", "uvicorn", "paho", "httpx", "websockets", "asyncio")
_QUOTED: Final = re.compile(r"(DETAIL:|CONTEXT:|\[parameters:).*")  # PostgreSQL, SQLAlchemy
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def up_to(most: int) -> Callable[[str], int]:
    """The type of an option that is a number from 1 on."""

    def read(text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected 1 to {most}, not '{text}'")
        return int(text)

    return read


def show(args: argparse.Namespace, document: Mapping[str, Any], lines: Iterable[str]) -> None:
    """The result: the document with --json, else the lines."""
    if args.json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        for line in lines:
            print(line)


def progress(text: str) -> None:
    """A line for who waits; on stderr, so that stdout stays one document."""
    print(text, file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Columns as wide as their widest word."""
    cells = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _scrubbed(text: str) -> str:
    """Without the values that a database quotes when it refuses a row: they are people's."""
    return _QUOTED.sub(r"\1 left out", text)


class JsonLines(logging.Formatter):
    """One JSON object a line. A line that was made with a mapping has that as its fields, so that
    `press`, `alarm` and `gateway` can be searched for wherever they occur."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": _scrubbed(record.getMessage()),
        }
        if isinstance(record.args, Mapping):
            line |= {k: v for k, v in record.args.items() if v is not None}
        if record.exc_info:
            line["trace"] = _scrubbed(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class ReadableLines(logging.Formatter):
    """Time, level, who, what. A word of somebody else's cannot begin a line of its own."""

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        return _scrubbed(super().formatMessage(record)).translate(_CONTROLS)

    @override
    def formatException(self, ei: Any) -> str:
        """See Formatter."""
        return _scrubbed(super().formatException(ei))


def set_up_logging(level: int = logging.INFO, *, is_json: bool = False) -> None:
    """Lines on stderr. Libraries only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    readable = ReadableLines("%(asctime)s %(levelname).1s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if is_json else readable)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
