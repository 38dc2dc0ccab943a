"""Which step is due when."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cloud.dictionary import BadConfiguration
from cloud.escalation.model import STEPS_MAX, Action, Policy, Run, Step
from cloud.escalation.policy import next_due_ms, next_step, supervisor_step
from cloud.escalation.service import read_policy
from cloud.words import Words

START = 1_000_000
LABEL = Words("一", "one")
POLICY = Policy(
    "test",
    (
        Step(30, LABEL, (Action.RING,)),
        Step(60, LABEL, (Action.RING, Action.SUPERVISOR)),
        Step(120, LABEL, (Action.DISPATCH,)),
    ),
)
RUN = Run(alarm_id="al-1", policy=POLICY, started_ms=START, partition=0)


@pytest.mark.parametrize(("after_ms", "position"), [(29_999, None), (30_000, 1), (59_999, 1)])
def test_a_step_is_due_at_its_second(after_ms: int, position: int | None) -> None:
    reached = next_step(RUN, START + after_ms)

    assert (reached.position if reached else None) == position


def test_what_is_overdue_is_one_escalation_with_every_action_once() -> None:
    reached = next_step(RUN, START + 3_600_000)

    assert reached is not None
    assert reached.position == 3
    assert reached.actions == (Action.RING, Action.SUPERVISOR, Action.DISPATCH)


def test_a_step_that_is_done_is_not_due_again() -> None:
    assert next_step(replace(RUN, position=1), START + 30_000) is None


def test_nothing_is_due_of_what_somebody_has() -> None:
    taken = replace(RUN, is_running=False)

    assert next_step(taken, START + 3_600_000) is None
    assert supervisor_step(taken) is None
    assert next_due_ms(taken) is None


def test_the_supervisor_does_not_wait_for_the_clock() -> None:
    reached = supervisor_step(RUN)

    assert reached is not None
    assert (reached.position, Action.SUPERVISOR in reached.actions) == (2, True)
    assert supervisor_step(replace(RUN, position=2)) is None


def test_a_policy_ends() -> None:
    assert next_due_ms(RUN) == START + 30_000
    assert next_due_ms(replace(RUN, position=3)) is None


@given(st.lists(st.integers(0, 200_000), max_size=20))
def test_whenever_the_clock_is_read_each_step_is_taken_once(instants: list[int]) -> None:
    run, taken = RUN, list[int]()

    for at_ms in sorted(instants):
        reached = next_step(run, START + at_ms)
        if reached is not None:
            taken.append(reached.position)
            run = replace(run, position=reached.position)

    assert taken == sorted(set(taken))
    assert run.position == sum(s.after_s * 1000 <= max(instants, default=0) for s in POLICY.steps)


def steps(count: int) -> list[dict[str, object]]:
    label = {"zh": "一", "en": "one"}
    return [{"after_s": i, "label": label, "actions": ["ring"]} for i in range(1, count + 1)]


@pytest.mark.parametrize(("count", "is_taken"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_policy_has_one_to_ten_steps(tmp_path: Path, count: int, is_taken: bool) -> None:
    assert STEPS_MAX == 10
    path = tmp_path / "policy.yaml"
    path.write_bytes(msgspec.yaml.encode({"policy": "p", "steps": steps(count)}))

    if is_taken:
        assert len(read_policy(path).steps) == count
    else:
        with pytest.raises(BadConfiguration, match=r"policy\.yaml"):
            read_policy(path)


@pytest.mark.parametrize(
    "harm",
    [{"after_s": 0}, {"after_s": 3601}, {"actions": []}, {"actions": ["sing"]}, {"colour": "red"}],
)
def test_a_policy_that_makes_no_sense_names_its_file(
    tmp_path: Path, harm: dict[str, object]
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(msgspec.yaml.encode({"policy": "p", "steps": [{**steps(1)[0], **harm}]}))

    with pytest.raises(BadConfiguration, match=r"policy\.yaml"):
        read_policy(path)


def test_steps_out_of_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(msgspec.yaml.encode({"policy": "p", "steps": steps(2)[::-1]}))

    with pytest.raises(BadConfiguration, match="order of after_s"):
        read_policy(path)
