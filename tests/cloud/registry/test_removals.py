"""A removal takes two people, shows first how much would go, and can be undone for 30 days."""

from typing import Any

import pytest
from sqlalchemy import delete, select, update

from cloud.registry import removals
from cloud.registry.entries import HomeEntry, ResidentEntry
from cloud.registry.errors import HasChanged, Malformed, NotOpen, SamePerson, Unknown
from cloud.registry.events import HomeForgotten
from cloud.registry.model import (
    call_plan_table,
    contact_table,
    device_table,
    home_table,
    removal_table,
    resident_table,
)
from cloud.registry.registry import Registry
from cloud.registry.removals import Removal, RemovalCount, RemovalEntry, RemovalState
from cloud.registry.service import Edit
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.words import Words
from tests.cloud.stores import HandClock

FIRST, SECOND, AREA = "ac-first", "ac-second", "440310"
HOMES = ("ho-anhe01", "ho-anhe02")
PARTS = (home_table, resident_table, contact_table, device_table)
STEPS = {"confirm": removals.confirm, "refuse": removals.refuse, "undo": removals.undo}


def ask(store: Store, *homes: str, residents: tuple[str, ...] = ()) -> str:
    entry = RemovalEntry("moved away", homes, residents)
    return store.write(lambda work: removals.ask(work, AREA, entry, FIRST)).id


def take(store: Store, step: str, removal_id: str, by: str = SECOND) -> Removal:
    return store.write(lambda work: STEPS[step](work, removal_id, by))


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    def read(work: Work) -> dict[str, list[dict[str, Any]]]:
        found = {
            table.name: work.execute(select(table).order_by(*table.primary_key)) for table in PARTS
        }
        return {name: [dict(row) for row in rows.mappings()] for name, rows in found.items()}

    return store.read(read)


def test_asking_says_how_much_would_go_and_nothing_goes(registry: Registry, store: Store) -> None:
    before = everything(store)

    removal_id = ask(store, *HOMES)

    asked = store.read(lambda work: removals.removal(work, removal_id))
    behind = [len(registry.devices_of(home)) for home in HOMES]
    told = [len(registry.contacts_of(home)) for home in HOMES]
    cards = [registry.home_card(home) for home in HOMES]
    people = [len(card.residents) for card in cards if card is not None]
    assert asked.count == RemovalCount(2, sum(people), sum(told), sum(behind))
    assert (asked.state, asked.asked_by) == (RemovalState.OPEN, FIRST)
    assert everything(store) == before


def test_who_asked_does_not_confirm(registry: Registry, store: Store) -> None:
    removal_id = ask(store, *HOMES)

    with pytest.raises(SamePerson):
        take(store, "confirm", removal_id, by=FIRST)

    assert registry.home_card(HOMES[0]) is not None


def test_a_second_person_confirms_and_the_gateway_is_told(registry: Registry, store: Store) -> None:
    gateway = "gw-demo01"
    before = registry.gateway_config(gateway)
    assert before is not None

    done = take(store, "confirm", ask(store, HOMES[0]))

    assert (done.state, done.decided_by) == (RemovalState.DONE, SECOND)
    assert registry.home_card(HOMES[0]) is None
    assert registry.contacts_of(HOMES[0]) == ()
    after = registry.gateway_config(gateway)
    assert after is not None
    assert after.revision > before.revision
    assert {each.home for each in before.devices} - {each.home for each in after.devices} == {
        HOMES[0]
    }


def test_undone_everything_stands_as_before(registry: Registry, store: Store) -> None:
    before = everything(store)
    removal_id = ask(store, *HOMES)
    take(store, "confirm", removal_id)
    assert everything(store) != before

    undone = take(store, "undo", removal_id, by=FIRST)

    assert undone.state is RemovalState.UNDONE
    assert everything(store) == before
    assert registry.home_card(HOMES[0]) is not None


def test_residents_go_without_their_home(registry: Registry, store: Store) -> None:
    residents = tuple(row["id"] for row in everything(store)["resident"][:2])
    before = everything(store)
    removal_id = ask(store, residents=residents)

    take(store, "confirm", removal_id)

    left = everything(store)
    assert len(left["resident"]) == len(before["resident"]) - 2
    assert left["home"] == before["home"]
    take(store, "undo", removal_id)
    assert everything(store) == before


def test_what_has_changed_since_is_asked_for_anew(registry: Registry, store: Store) -> None:
    removal_id = ask(store, HOMES[0])
    one = delete(device_table).where(device_table.c.uid == registry.devices_of(HOMES[0])[0].uid)
    store.write(lambda work: work.execute(one))

    with pytest.raises(HasChanged):
        take(store, "confirm", removal_id)


def test_a_request_runs_out_after_seven_days(
    registry: Registry, store: Store, clock: HandClock
) -> None:
    removal_id = ask(store, HOMES[0])
    clock.pass_s(7 * 86_400)

    with pytest.raises(NotOpen):
        take(store, "confirm", removal_id)

    shown = store.read(lambda work: removals.removal(work, removal_id))
    assert shown.state is RemovalState.RUN_OUT


def test_after_thirty_days_it_cannot_be_undone_and_is_forgotten(
    registry: Registry, store: Store, clock: HandClock
) -> None:
    removal_id = ask(store, HOMES[0])
    take(store, "confirm", removal_id)
    clock.pass_s(30 * 86_400 - 1)
    assert store.write(removals.sweep_removals) == 0
    clock.pass_s(1)

    with pytest.raises(NotOpen):
        take(store, "undo", removal_id)

    forgotten: list[HomeForgotten] = []
    store.bus.on(HomeForgotten, lambda _work, event: forgotten.append(event))
    assert store.write(removals.sweep_removals) == 1
    assert forgotten == [HomeForgotten(HOMES[0])]
    saved = select(removal_table.c.saved)
    assert store.read(lambda work: work.execute(saved).scalars().all()) == [None]


def test_what_was_entered_anew_meanwhile_is_left_as_it_is(registry: Registry, store: Store) -> None:
    removal_id = ask(store, HOMES[0])
    take(store, "confirm", removal_id)
    resident = ResidentEntry("rs-new", "新", "New", 80, "f", True)
    entry = HomeEntry(
        HOMES[0], "440310002902", Words("新址", "new"), 22.6, 114.3, residents=(resident,)
    )

    def enter(work: Work) -> None:
        with Edit(work) as edit:
            edit.home("gw-demo01", entry)

    store.write(enter)
    take(store, "undo", removal_id)

    card = registry.home_card(HOMES[0])
    assert card is not None
    assert card.address.en == "new"
    assert "rs-new" in {each.id for each in card.residents}
    assert len(registry.devices_of(HOMES[0])) > 0


def test_a_home_comes_back_without_a_call_plan_that_is_gone(
    registry: Registry, store: Store
) -> None:
    removal_id = ask(store, HOMES[0])
    take(store, "confirm", removal_id)

    def drop(work: Work) -> None:
        work.execute(update(home_table).values(call_plan_id=None))
        work.execute(delete(call_plan_table))

    store.write(drop)
    take(store, "undo", removal_id)

    card = registry.home_card(HOMES[0])
    assert card is not None
    assert card.call_plan == ()


def test_what_names_nothing_or_something_unknown_is_refused(
    registry: Registry, store: Store
) -> None:
    with pytest.raises(Malformed):
        ask(store)
    with pytest.raises(Unknown):
        ask(store, "ho-nowhere")
    with pytest.raises(Unknown):
        take(store, "confirm", "rm-nothing")


# Which step is good in which state; every other pair is refused and changes nothing.
GOOD = {
    (RemovalState.OPEN, "confirm"): RemovalState.DONE,
    (RemovalState.OPEN, "refuse"): RemovalState.REFUSED,
    (RemovalState.DONE, "undo"): RemovalState.UNDONE,
}


def reach(store: Store, clock: HandClock, state: RemovalState) -> str:
    removal_id = ask(store, HOMES[0])
    if state is RemovalState.RUN_OUT:
        clock.pass_s(7 * 86_400)
    if state is RemovalState.REFUSED:
        take(store, "refuse", removal_id)
    if state in (RemovalState.DONE, RemovalState.UNDONE):
        take(store, "confirm", removal_id)
    if state is RemovalState.UNDONE:
        take(store, "undo", removal_id)
    return removal_id


@pytest.mark.parametrize("state", RemovalState)
@pytest.mark.parametrize("step", STEPS)
def test_each_step_in_each_state(
    registry: Registry, store: Store, clock: HandClock, state: RemovalState, step: str
) -> None:
    removal_id = reach(store, clock, state)
    before = everything(store)

    if (state, step) in GOOD:
        assert take(store, step, removal_id).state is GOOD[state, step]
        return
    with pytest.raises(NotOpen):
        take(store, step, removal_id)

    assert store.read(lambda work: removals.removal(work, removal_id)).state is state
    assert everything(store) == before
