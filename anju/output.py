"""What every command has: its options, one JSON document or a table on stdout, logs on stderr."""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - its only name
LOUD: Final = ("alembic", "apscheduler", "uvicorn", "paho", "httpx", "websockets", "asyncio")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


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


def set_up_logging(level: int = logging.INFO) -> None:
    """Lines on stderr: time, level, who, what. Libraries only when something is wrong."""
    form = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
    logging.basicConfig(level=level, stream=sys.stderr, format=form, force=True)
    for name in LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
