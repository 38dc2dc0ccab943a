import pytest

from cloud.identity.errors import LinkGone, NotSignedIn
from cloud.identity.service import deactivate
from cloud.identity.sessions import LINK_S, make_link

HERE = "10.0.0.1"


@pytest.fixture
def link(store, operator, secrets):
    return store.write(lambda work: make_link(work, operator.id, secrets))


def test_a_link_signs_in_once(door, operator, link):
    signed_in = door.use_link(link, HERE)

    assert door.visit(signed_in.token).account == operator
    with pytest.raises(LinkGone):
        door.use_link(link, HERE)


def test_a_link_is_good_until_its_time_is_over(door, clock, link):
    clock.pass_s(LINK_S)

    with pytest.raises(LinkGone):
        door.use_link(link, HERE)


def test_a_newer_link_makes_the_older_worthless(door, store, operator, secrets, link):
    newer = store.write(lambda work: make_link(work, operator.id, secrets))

    with pytest.raises(LinkGone):
        door.use_link(link, HERE)
    assert door.use_link(newer, HERE)


def test_a_link_that_was_never_made_is_refused_in_the_same_words(door, clock, link):
    with pytest.raises(LinkGone) as never:
        door.use_link("made up", HERE)
    clock.pass_s(LINK_S)
    with pytest.raises(LinkGone) as old:
        door.use_link(link, HERE)

    assert str(never.value) == str(old.value)


def test_a_link_replaces_the_session_that_the_browser_held(door, store, operator, secrets, link):
    first = door.use_link(link, HERE)
    newer = store.write(lambda work: make_link(work, operator.id, secrets))

    door.use_link(newer, HERE, replaces=first.token)

    with pytest.raises(NotSignedIn):
        door.visit(first.token)


def test_a_link_of_a_deactivated_account_is_gone(door, store, operator, link):
    store.write(lambda work: deactivate(work, operator.id))

    with pytest.raises(LinkGone):
        door.use_link(link, HERE)
