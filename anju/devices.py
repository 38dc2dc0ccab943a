"""`anju devices check`: messages of devices go through the agent's own decoding, and what comes of
them is held against what they mean."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from anju.errors import CannotRun
from anju.judging import Judged, judge
from anju.messages_file import Case, read_cases
from anju.output import Commands, add_json, show, table
from anju.paths import config_dir
from anju.permuting import permuted
from edge.errors import EdgeError


def add(commands: Commands) -> None:
    """The sub-command and its verb."""
    parser = commands.add_parser("devices", help="hold what devices say against what it means")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="a file of messages with their meaning")
    check.add_argument("file", type=Path, metavar="FILE.jsonl", help="one message a line")
    check.add_argument(
        "--permute",
        type=int,
        metavar="SEED",
        help="the same messages with other device ids, names and topic prefixes",
    )
    add_json(check)
    check.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    cases = read_cases(args.file)
    if args.permute is not None:
        cases = [permuted(case, Random(f"{args.permute}/{case.id}")) for case in cases]  # noqa: S311 - names for a test
    try:
        results = judge(cases, config_dir())
    except EdgeError as error:
        raise CannotRun(str(error)) from error
    document = report(results)
    show(args, document, _lines(document))
    return 0 if document["passed"] == document["total"] else 1


def report(results: Sequence[Judged]) -> dict[str, Any]:
    """The fields of COMMANDS: what passed, by stage, class and convention, and what did not."""
    return {
        **_counted(results),
        "decode": _counted(r for r in results if not r.case.needs_codec and not r.case.stage),
        "raw": _counted(r for r in results if r.case.needs_codec),
        "dedupe": _counted(r for r in results if r.case.stage == "dedupe"),
        "by_class": _by(results, lambda case: case.kind),
        "by_convention": _by(results, lambda case: case.convention),
        "failed": [
            {
                "id": r.case.id,
                "convention": r.case.convention,
                "class": r.case.kind,
                "why": "; ".join(r.why),
            }
            for r in results
            if r.why
        ],
        "forbidden": [r.case.id for r in results if r.is_forbidden],
        "exceptions": [r.case.id for r in results if r.is_exception],
        "unknown": [r.case.id for r in results if r.is_unknown],
    }


def _counted(results: Iterable[Judged]) -> dict[str, int]:
    passed = [not result.why for result in results]
    return {"total": len(passed), "passed": sum(passed)}


def _by(results: Sequence[Judged], key: Callable[[Case], str]) -> dict[str, dict[str, int]]:
    names = sorted({key(result.case) for result in results})
    return {name: _counted(r for r in results if key(r.case) == name) for name in names}


def _lines(document: dict[str, Any]) -> list[str]:
    parts = {name: document[name] for name in ("decode", "raw", "dedupe")}
    counts = {"all": document, **parts, **document["by_convention"]}
    rows = [(name, of["passed"], of["total"]) for name, of in counts.items()]
    failed = [f"{each['id']}: {each['why']}" for each in document["failed"]]
    return [*failed, *table(("", "passed", "of"), rows)]
