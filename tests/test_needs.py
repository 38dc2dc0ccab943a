"""The gate on missing servers can itself fail: seeded with a server that nobody has."""

import pytest

from tests import needs

pytest_plugins = ["pytester"]
SAMPLE = """
import pytest
from tests import needs
needs.SERVERS = {**needs.SERVERS, "teleporter": lambda: None, "python": lambda: "/usr/bin/python3"}

@pytest.mark.needs("teleporter")
def test_a_press_by_teleporter():
    pass

@pytest.mark.needs("python")
def test_a_press_by_hand():
    pass
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    pytester.makepyfile(SAMPLE)
    pytester.makeini("[pytest]\nmarkers =\n    needs(server): x\n")
    monkeypatch.setenv("PYTHONPATH", str(needs.ROOT))

    def run(ci):
        monkeypatch.setenv("CI", ci)
        return pytester.runpytest_subprocess("-p", "tests.needs", "-p", "no:cacheprovider")

    return run


def test_a_test_whose_server_is_missing_is_skipped_and_named_at_the_end(suite):
    result = suite(ci="")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*did not run*", "1 × teleporter is not installed*", "*::test_a_press_by_teleporter"]
    )


def test_the_same_skip_fails_where_a_gate_depends_on_it(suite):
    result = suite(ci="true")

    result.assert_outcomes(passed=1, errors=1)
    assert result.ret != 0


def test_a_server_that_is_not_in_the_list_is_an_error_of_the_test(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(needs.ROOT))
    pytester.makepyfile(SAMPLE.replace('"teleporter")', '"telporter")'))

    result = pytester.runpytest_subprocess("-p", "tests.needs", "-p", "no:cacheprovider")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*'telporter' is not in tests/needs.py*"])
