"""Our own rules, which no tool knows. Add one when a fault recurs."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("contract", "edge", "cloud", "device_simulators", "anju")
NOT_OURS: Final = {"node_modules", "__pycache__", "var", "dist", "static", "test-results"}
KINDS: Final = ".py .md .toml .yaml .json .ts .svelte .css .html .txt .conf .acl"
TEXTS: Final = {"", *KINDS.split()}  # "": Makefile, and the programs in scripts/
MODULE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 60
COMPONENT_LINES_MAX: Final = 200
CJK: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Where Chinese may stand: dictionaries, templates, configuration, tests, what people read.
CJK_MAY: Final = re.compile(
    r"config/|tests/|dashboards/(tests|src/core/i18n)/|contract/golden/|README(\.zh-CN)?\.md"
    r"|pyproject\.toml|.*/templates/"
)
GENERATED: Final = ("cloud/storage/migrations/versions/",)
# No address of a package index, no place on one person's machine.
FOREIGN_PLACE: Final = re.compile(
    r"https?://[\w.-]*(pypi|pythonhosted|npmjs|registry|mirror)|(?<![\w.])/(work|root|home/\w+|Users)/"
)
# What a module that calls itself pure may not import; import-linter has the same for what
# decides. A seeded random.Random is pure; ruff forbids the others.
IMPURE: Final = set(
    "asyncio concurrent logging multiprocessing os queue secrets select selectors socket"
    " sqlite3 ssl subprocess tempfile threading time urllib http alembic apscheduler argon2"
    " fastapi iotcore paho pydantic sqlalchemy starlette uvicorn websockets yaml".split()
)
# Each command that a README shows, by the file of the test that runs it.
COMMANDS: Final = {
    "tests/test_tidy.py": {
        "make demo": "test_what_make_does_is_what_the_tests_run",
        "make test": "test_what_make_does_is_what_the_tests_run",
        "make check": "test_what_make_does_is_what_the_tests_run",
        "make prove": "test_what_make_does_is_what_the_tests_run",
    },
    "tests/integration/test_demo_check.py": {
        "anju demo --check": "test_one_press_goes_all_the_way_and_each_hop_says_how_long_it_took",
    },
    "tests/integration/test_torture.py": {
        "anju torture edge": "test_an_agent_that_is_killed_loses_and_doubles_nothing",
        "anju torture cloud": "test_a_cloud_and_a_broker_that_are_killed_lose_and_double_nothing",
        "anju bench press": "test_the_bench_says_what_a_press_takes_and_what_its_floor",
        "anju bench outage": "test_with_influxdb_away_alarms_go_on_and_no_reading_is_lost",
    },
    "tests/anju/test_parts.py": {
        "anju parts DIR": "test_a_press_goes_all_the_way_over_them_also_after_an_earlier_one",
    },
    "tests/integration/test_serve.py": {
        "anju serve": "test_serve_says_where_it_is_and_ends_in_order",
    },
    "tests/anju/test_edge.py": {
        "anju edge run": "test_the_agent_waits_for_its_brokers_and_ends_in_order",
        "anju edge doctor": "test_the_doctor_says_what_to_do_where_nothing_runs",
        "anju edge devices": "test_a_gateway_that_was_never_told_its_devices_has_none",
    },
    "tests/anju/test_cli.py": {
        "anju rules check config/rules": "test_the_shipped_rules_hold",
        "anju rules test config/rules": "test_the_shipped_rules_hold",
    },
    "tests/anju/test_devices.py": {
        "anju devices check": "test_our_messages_mean_what_they_should_under_any_name",
    },
    "tests/anju/test_accounts.py": {
        "anju accounts create": "test_the_first_administrator_gets_a_link",
    },
    "tests/anju/test_series.py": {
        "anju series last": "test_the_last_readings_of_a_home_are_shown",
        "anju series export": "test_all_readings_of_a_home_go_into_a_file",
        "anju series erase": "test_erasing_is_asked_for_and_in_the_audit",
    },
    "tests/anju/test_db.py": {
        "anju db upgrade": "test_a_new_store_has_the_newest_revision_and_no_problems",
        "anju db downgrade": "test_going_back_saves_the_store_first",
        "anju db backup": "test_a_backup_is_one_sound_file_and_its_restoring_a_new_epoch",
        "anju db restore": "test_a_backup_is_one_sound_file_and_its_restoring_a_new_epoch",
        "anju db check": "test_a_history_that_was_changed_is_a_problem_that_names_its_row",
    },
}


@cache
def sources() -> tuple[Path, ...]:
    """Every text of ours, as it lies in the folder."""
    return tuple(_walk())


def _walk() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):  # .git is a file in a worktree
        folders[:] = sorted(f for f in folders if f not in NOT_OURS and not f.startswith("."))
        texts = (f for f in sorted(files) if Path(f).suffix in TEXTS and f != ".git")
        yield from (Path(folder, f) for f in texts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules() -> list[Path]:
    python = (path for path in sources() if path.suffix == ".py")
    return [path for path in python if not name_of(path).startswith(GENERATED)]


def documents() -> list[Path]:
    return [path for path in sources() if path.suffix == ".md"]


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_a_chinese_text_stands_in_a_dictionary_and_never_in_code():
    assert [
        f"{name_of(path)}:{n}"
        for path in sources()
        if not CJK_MAY.match(name_of(path))
        for n, line in enumerate(lines(path), 1)
        if CJK.search(line)
    ] == []


def test_a_module_is_short_enough_to_be_read_at_once():
    long = {name_of(path): len(lines(path)) for path in modules()}

    assert {name: n for name, n in long.items() if n > MODULE_LINES_MAX} == {}


def test_a_page_component_is_short():
    pages = (path for path in sources() if path.suffix == ".svelte")

    assert {name_of(p): n for p in pages if (n := len(lines(p))) > COMPONENT_LINES_MAX} == {}


def test_a_function_fits_on_a_screen():
    assert [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ] == []


def test_a_module_that_calls_itself_pure_imports_nothing_that_is_not():
    assert [
        f"{name_of(path)}: {name}"
        for path in modules()
        if name_of(path).startswith(PACKAGES)
        for tree in (ast.parse(path.read_text("utf-8")),)
        if re.search(r"\b[Pp]ure\b", ast.get_docstring(tree) or "")
        for name in imported(tree)
        if name.split(".")[0] in IMPURE
    ] == []


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_nobody_else_owns_the_names_of_our_packages():
    owners = packages_distributions()

    assert {name: set(owners.get(name, ())) - {"anju"} for name in PACKAGES} == {
        name: set() for name in PACKAGES
    }


def test_no_package_index_and_no_place_on_a_machine_is_named():
    assert [
        f"{name_of(path)}:{n}"
        for path in sources()
        for n, line in enumerate(lines(path), 1)
        if FOREIGN_PLACE.search(line)
    ] == []


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in modules() if name_of(path).startswith("tests/")}

    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def writers() -> list[str]:
    """Scripts that write one file of ours: those with a TARGET and its text()."""
    texts = ((path, path.read_text("utf-8")) for path in modules() if path.parent.name == "scripts")
    return [path.stem for path, text in texts if "TARGET: Final" in text and "def text(" in text]


@pytest.mark.parametrize("name", writers())
def test_what_is_generated_is_up_to_date(name):
    program = import_module(f"scripts.{name}")

    assert program.TARGET.read_text("utf-8") == program.text(), f"run python scripts/{name}.py"


def rooms() -> set[str]:
    """Each package and each folder in it that holds modules: `cloud/`, `cloud/alarms/`, …"""
    folders = {path.parent.relative_to(ROOT) for path in modules()}
    return {f"{f.as_posix()}/" for f in folders if f.parts and f.parts[0] in PACKAGES}


def test_the_map_in_the_architecture_names_every_room_and_no_other():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {
        place
        for place in re.findall(r"`([a-z_]+/(?:[a-z_]+/)*)`", text)
        if place.split("/")[0] in PACKAGES
    }

    assert rooms() - named == set()
    assert [place for place in named if not (ROOT / place).is_dir()] == []


def test_the_readme_names_every_folder_at_the_top():
    text = (ROOT / "README.md").read_text("utf-8")
    folders = [f"`{path.name}/`" for path in sorted(ROOT.iterdir()) if is_shown(path)]

    assert [folder for folder in folders if folder not in text] == []


def is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and path.name not in NOT_OURS


def test_every_place_and_test_that_a_document_names_exists():
    assert [
        f"{name_of(path)}: {place}"
        for path in documents()
        for place in re.findall(r"`([a-z_]+/[\w./-]+\.[a-z]+(?:::\w+)?)`", path.read_text("utf-8"))
        if (ROOT / place.split("/")[0]).is_dir() and not exists(place)
    ] == []


def test_every_link_between_documents_leads_somewhere():
    assert [
        f"{name_of(path)}: {link}"
        for path in documents()
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8"))
        if not (path.parent / link).exists()
    ] == []


def exists(place: str) -> bool:
    """`file`, or `file::test`."""
    file, _, test = place.partition("::")
    path = ROOT / file
    return path.is_file() and (not test or f"def {test}(" in path.read_text("utf-8"))


def commands(readme: str) -> set[str]:
    """What stands in its ```sh blocks, without the comments, and in its lines as `anju …`."""
    text = (ROOT / readme).read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    shown = (line.partition("#")[0].strip() for block in blocks for line in block.splitlines())
    return {command for command in shown if command} | set(re.findall(r"`(anju [^`]+)`", text))


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_command_that_a_readme_shows_is_run_by_a_test(readme):
    assert commands(readme) - {name for tests in COMMANDS.values() for name in tests} == set()


def test_the_tests_that_run_the_commands_exist():
    named = [f"{file}::{test}" for file, tests in COMMANDS.items() for test in tests.values()]

    assert [test for test in named if not exists(test)] == []


@pytest.mark.parametrize(
    ("target", "program"),
    [
        ("demo", "anju demo"),
        ("test", "-m pytest"),
        ("check", "scripts/gates"),
        ("prove", "scripts/prove"),
    ],
)
def test_what_make_does_is_what_the_tests_run(target, program):
    dry = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert program in dry.stdout
