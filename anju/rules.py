"""`anju rules`: reads rule files with the production parser, and runs the stories beside them."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from anju.errors import CannotRun
from anju.output import Commands, add_json, show
from cloud.rules.errors import BadRule
from cloud.rules.harness import Result, run_stories
from cloud.rules.language import read_file
from cloud.rules.model import Mode, Rule

STORIES: Final = ".test.yaml"


class Checked(NamedTuple):
    """What came of some paths. failed: each with its file and why."""

    files: int
    rules: Sequence[tuple[Path, Rule | Mode]]
    failed: list[dict[str, Any]]


def add(commands: Commands) -> None:
    """The sub-command and its two verbs."""
    parser = commands.add_parser("rules", help="check rule files, and run the stories beside them")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, function, text in (
        ("check", _check, "every sentence is understood"),
        ("test", _test, "every story beside a rule is kept"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="file or folder")
        add_json(one)
        one.set_defaults(run=function)


def read(paths: Iterable[Path]) -> Checked:
    """Every rule and mode of files and folders. Raises CannotRun for a path that is not there."""
    files = sorted({file for path in paths for file in _files(path)})
    rules: list[tuple[Path, Rule | Mode]] = []
    failed: list[dict[str, Any]] = []
    for file in files:
        try:
            rules.append((file, read_file(file)))
        except BadRule as error:
            failed.append(_fault(error))
        except UnicodeDecodeError as error:
            failed.append({"file": str(file), "why": f"not valid UTF-8: {error.reason}"})
        except OSError as error:
            raise CannotRun(f"{file} cannot be read: {error.strerror}; mend its rights") from error
    return Checked(len(files), rules, failed)


def _check(args: argparse.Namespace) -> int:
    return _report(args, read(args.paths), 0)


def _test(args: argparse.Namespace) -> int:
    checked = read(args.paths)
    cases = 0
    for file, rule in checked.rules:
        beside = file.with_name(f"{file.stem}{STORIES}")
        try:
            results = run_stories(rule, beside)
        except FileNotFoundError:
            why = f"no stories: write {beside.name} beside it"
            checked.failed.append({"file": str(file), "why": why})
            continue
        except BadRule as error:
            checked.failed.append(_fault(error))
            continue
        cases += len(results)
        checked.failed.extend(_broken(beside, each) for each in results if not each.is_kept)
    return _report(args, checked, cases)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [each for each in path.rglob("*.yaml") if not each.name.endswith(STORIES)]
        if not found:
            raise CannotRun(f"{path} has no rule files: give a folder with *.yaml")
        return found
    if path.name.endswith(STORIES):  # its rule is meant
        path = path.with_name(f"{path.name.removesuffix(STORIES)}.yaml")
    if not path.is_file():
        raise CannotRun(f"there is no {path}: give a rule file or a folder of them")
    return [path]


def _fault(error: BadRule) -> dict[str, Any]:
    return {
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "why": error.message,
    }


def _broken(file: Path, result: Result) -> dict[str, Any]:
    expected, seen = list(result.expected), list(result.seen)
    why = f"expected {_told(expected)}, got {_told(seen)}"
    return {
        "file": str(file),
        "story": result.story,
        "why": why,
        "expected": expected,
        "seen": seen,
    }


def _told(detections: Sequence[str]) -> str:
    return ", ".join(detections) or "nothing"


def _report(args: argparse.Namespace, checked: Checked, cases: int) -> int:
    failed = checked.failed
    document = {
        "files": checked.files,
        "rules": len(checked.rules),
        "cases": cases,
        "failed": failed,
    }
    lines = [f"{_place(each)}: {each['why']}" for each in failed]
    lines.append(
        f"{checked.files} files, {len(checked.rules)} rules, {cases} cases, {len(failed)} failed"
    )
    show(args, document, lines)
    return 1 if failed else 0


def _place(fault: dict[str, Any]) -> str:
    if "line" in fault:
        return f"{fault['file']}:{fault['line']}:{fault['column']}"
    return f"{fault['file']}: {fault['story']}" if "story" in fault else str(fault["file"])
