import pytest

from cloud.identity.answers import (
    KEPT_MS,
    KEY_CHARS_MAX,
    KEY_CHARS_MIN,
    earlier_answer,
    keep_answer,
    sweep_answers,
)
from cloud.identity.errors import BadKey, KeyReused

ROUTE, BODY, KEY = "POST /api/alarms/al-1/claim", b"{}", "key-0001"


def ask(store, account="ac-1", key=KEY, route=ROUTE, body=BODY):
    return store.read(lambda work: earlier_answer(work, account, key, route, body))


@pytest.fixture
def kept(store):
    store.write(lambda work: keep_answer(work, "ac-1", KEY, ROUTE, BODY, b'{"ok":1}'))


def test_the_same_request_gets_the_same_answer(store, kept):
    assert ask(store) == b'{"ok":1}'


def test_a_new_key_and_another_persons_key_have_no_answer(store, kept):
    assert ask(store, key="key-0002") is None
    assert ask(store, account="ac-2") is None


@pytest.mark.parametrize("other", [{"body": b'{"a":1}'}, {"route": "POST /api/alarms/al-2/claim"}])
def test_a_key_of_another_request_is_a_conflict(store, kept, other):
    with pytest.raises(KeyReused):
        ask(store, **other)


def test_an_answer_that_was_rolled_back_was_never_given(store):
    def command(work):
        keep_answer(work, "ac-1", KEY, ROUTE, BODY, b"{}")
        raise RuntimeError

    assert store.submit(command).exception() is not None
    assert ask(store) is None


@pytest.mark.parametrize(
    "key", ["x" * (KEY_CHARS_MIN - 1), "x" * (KEY_CHARS_MAX + 1), "tab\tin it", "\u4e2d" * 8]
)
def test_a_key_that_cannot_be_one_is_refused(store, key):
    with pytest.raises(BadKey):
        ask(store, key=key)


@pytest.mark.parametrize("length", [KEY_CHARS_MIN, KEY_CHARS_MAX])
def test_a_key_at_the_limits_is_taken(store, length):
    assert ask(store, key="x" * length) is None


def test_answers_are_forgotten_after_a_day(store, clock, kept):
    clock.pass_s(KEPT_MS / 1000 - 1)
    assert store.write(sweep_answers) == 0
    clock.pass_s(1)
    assert store.write(sweep_answers) == 1
    assert ask(store) is None
