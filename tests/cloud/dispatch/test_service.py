"""Offers as a story in time, on the demo's two stations: Anhe is nearer, both have two on duty."""

from collections.abc import Callable

import pytest

from cloud.alarms import commands as c
from cloud.alarms.errors import IllegalStep, NotFound, NotYours
from cloud.alarms.model import Alarm, Handling
from cloud.dispatch.errors import AlreadyOut, InvalidReport, NobodyOnDuty, OfferGone
from cloud.dispatch.model import TEXT_CHARS_MAX, Crew
from cloud.durable.timers import Timer
from cloud.identity.scope import WHOLE, Scope
from cloud.registry.service import off_duty, on_duty
from cloud.rules.model import AlarmKind
from cloud.storage.unit import Work
from tests.cloud.district import ANHE, CHEN, DENG, HE, JIANGLING, LIN, LIU, District

REPORT = {
    "found": "injured",
    "action": "first_aid",
    "handover": "family",
    "follow_up": "doctor",
    "text": "left hip",
}
PEOPLE = ("re-chenli", "re-dengxm", "re-liuyang", "re-xujing")


def claimed(district: District) -> Alarm:
    return district.do(district.press(), c.Claim(LIN))


def offered(district: District, station_id: str | None = None) -> tuple[Alarm, str]:
    alarm = claimed(district)
    made = district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN, station_id))
    return alarm, made["id"]


def go_home(district: District, *people: str) -> None:
    def end(work: Work) -> None:
        for each in people:
            off_duty(work, each)

    district.store.write(end)


def test_stations_are_shown_best_first_with_reasons(district: District) -> None:
    alarm = claimed(district)

    first, second = district.store.read(lambda w: district.desk.candidates(w, alarm.id))

    assert (first["station"]["id"], second["station"]["id"]) == (ANHE, JIANGLING)
    assert (first["recommended"], second["recommended"]) == (True, False)
    assert (first["on_duty"], first["free"], first["load"]) == (2, 2, 0)
    assert first["responder"].id == "re-chenli"
    assert all(each.zh and each.en for each in first["reasons"])
    assert first["travel_s"] < second["travel_s"]


def test_the_whole_way_from_the_offer_to_the_report(district: District) -> None:
    alarm, offer_id = offered(district)
    desk, write = district.desk, district.store.write
    assert district.alarm(alarm).handling is Handling.OFFERED

    write(lambda w: desk.accept(w, offer_id, CHEN))
    write(lambda w: desk.depart(w, offer_id, CHEN))
    write(lambda w: desk.arrive(w, offer_id, CHEN, 22.66, 114.33))
    done = write(lambda w: desk.report(w, offer_id, CHEN, REPORT))

    assert district.history(alarm)[2:] == ["offered", "accepted", "departed", "arrived", "reported"]
    assert (done["state"], done["report"], done["responder"].id) == (
        "reported",
        REPORT,
        "re-chenli",
    )
    assert district.alarm(alarm).handling is Handling.REPORTED
    assert district.store.read(lambda w: desk.open_offers(w, WHOLE)) == []


def test_an_unanswered_offer_goes_to_the_next_station_and_then_to_nobody(
    district: District,
) -> None:
    alarm, _ = offered(district)

    district.pass_s(59)
    assert district.offers(alarm) == [(ANHE, "offered")]
    district.pass_s(1)
    assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "offered")]
    district.pass_s(60)

    assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "expired")]
    assert district.history(alarm)[2:] == ["offered", "offer_ended", "offered", "offer_ended"]
    assert district.alarm(alarm).handling is Handling.CLAIMED
    with pytest.raises(NobodyOnDuty):
        district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN))


def test_a_person_may_ask_a_station_again(district: District) -> None:
    alarm, _ = offered(district)
    district.pass_s(120)

    district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN, ANHE))

    assert district.offers(alarm)[-1] == (ANHE, "offered")


def test_of_two_who_accept_the_first_one_goes_and_the_other_hears_it(district: District) -> None:
    alarm, offer_id = offered(district)

    district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))
    with pytest.raises(OfferGone) as refused:
        district.store.write(lambda w: district.desk.accept(w, offer_id, DENG))

    assert refused.value.data == {"state": "accepted"}
    assert district.history(alarm).count("accepted") == 1
    assert district.told("offers", offer_id, ANHE)["responder"]["id"] == "re-chenli"


def test_an_acceptance_after_the_time_is_refused_although_the_timer_is_late(
    district: District,
) -> None:
    alarm, offer_id = offered(district)
    district.clock.pass_s(60)

    with pytest.raises(OfferGone):
        district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))
    district.pass_s(1)

    assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "offered")]


def test_an_accepted_offer_does_not_expire(district: District) -> None:
    alarm, offer_id = offered(district)
    district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))

    district.pass_s(61)

    assert district.offers(alarm) == [(ANHE, "accepted")]


def test_a_declined_offer_goes_on_at_once_also_from_the_way(district: District) -> None:
    alarm, first = offered(district)
    desk, write = district.desk, district.store.write

    write(lambda w: desk.decline(w, first, DENG, "busy"))
    second = district.offer_ids(alarm)[-1]
    write(lambda w: desk.accept(w, second, LIU))
    write(lambda w: desk.depart(w, second, LIU))
    write(lambda w: desk.decline(w, second, LIU, "vehicle"))

    assert district.offers(alarm) == [(ANHE, "declined"), (JIANGLING, "declined")]
    assert district.alarm(alarm).handling is Handling.CLAIMED


def test_only_who_goes_can_give_an_accepted_offer_back(district: District) -> None:
    alarm, offer_id = offered(district)
    district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))

    with pytest.raises(OfferGone):
        district.store.write(lambda w: district.desk.decline(w, offer_id, DENG, "busy"))

    assert district.offers(alarm) == [(ANHE, "accepted")]


def test_another_station_s_offer_does_not_exist(district: District) -> None:
    _, offer_id = offered(district)
    desk = district.desk
    steps: list[Callable[[Work], object]] = [
        lambda w: desk.accept(w, offer_id, LIU),
        lambda w: desk.decline(w, offer_id, LIU, "busy"),
        lambda w: desk.depart(w, offer_id, LIU),
        lambda w: desk.arrive(w, offer_id, LIU),
        lambda w: desk.report(w, offer_id, LIU, REPORT),
        lambda w: desk.accept(w, "of-none", CHEN),
    ]

    for each in steps:
        with pytest.raises(NotFound):
            district.store.write(each)


def test_a_station_s_tablet_speaks_for_its_people(district: District) -> None:
    _, offer_id = offered(district)
    tablet, desk, write = Crew(ANHE), district.desk, district.store.write

    assert write(lambda w: desk.accept(w, offer_id, tablet))["responder"].id == "re-chenli"
    assert write(lambda w: desk.depart(w, offer_id, tablet))["state"] == "departed"


def test_a_step_out_of_order_is_refused(district: District) -> None:
    _, offer_id = offered(district)

    with pytest.raises(IllegalStep):
        district.store.write(lambda w: district.desk.depart(w, offer_id, CHEN))


def test_steps_that_are_asked_for_twice_answer_as_it_stands(district: District) -> None:
    alarm, offer_id = offered(district)
    desk, write = district.desk, district.store.write
    steps: list[Callable[[Work], dict[str, object]]] = [
        lambda w: desk.dispatch(w, alarm.id, LIN, ANHE),
        lambda w: desk.accept(w, offer_id, CHEN),
        lambda w: desk.depart(w, offer_id, CHEN),
        lambda w: desk.arrive(w, offer_id, CHEN),
        lambda w: desk.report(w, offer_id, CHEN, REPORT),
    ]

    for each in steps:
        assert write(each) == write(each)

    assert len(district.history(alarm)) == 7


def test_a_decline_twice_asks_one_further_station(district: District) -> None:
    alarm, offer_id = offered(district)

    for _ in range(2):
        district.store.write(lambda w: district.desk.decline(w, offer_id, CHEN, "busy"))

    assert district.offers(alarm) == [(ANHE, "declined"), (JIANGLING, "offered")]


def test_a_named_station_takes_the_place_of_the_one_that_is_being_asked(
    district: District,
) -> None:
    alarm, _ = offered(district)

    district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN, JIANGLING))
    assert district.offers(alarm) == [(ANHE, "withdrawn"), (JIANGLING, "offered")]
    district.pass_s(60)

    assert district.offers(alarm)[-1] == (ANHE, "offered")  # it never said no


def test_only_who_has_claimed_the_alarm_sends_somebody(district: District) -> None:
    alarm, offer_id = offered(district)

    with pytest.raises(NotYours):
        district.store.write(lambda w: district.desk.dispatch(w, alarm.id, HE, JIANGLING))

    assert district.offers(alarm) == [(ANHE, "offered")]
    assert district.store.read(lambda w: district.desk.open_offers(w, WHOLE))[0]["id"] == offer_id


def test_closing_takes_the_offer_back_and_its_timer_is_harmless(district: District) -> None:
    alarm, offer_id = offered(district)

    district.do(alarm, c.Close(LIN, "false"))
    stale = Timer("offer", offer_id, district.clock.now_ms(), 0, None, 0)
    district.store.write(lambda w: district.desk.offer_expired(w, stale))
    district.pass_s(61)

    assert district.offers(alarm) == [(ANHE, "withdrawn")]
    assert district.told("offers", offer_id, ANHE)["state"] == "withdrawn"
    with pytest.raises(OfferGone):
        district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))


def test_a_timer_that_fires_too_early_waits_on(district: District) -> None:
    alarm, offer_id = offered(district)
    early = Timer("offer", offer_id, district.clock.now_ms(), 0, None, 0)

    district.store.write(lambda w: district.desk.offer_expired(w, early))
    assert district.offers(alarm) == [(ANHE, "offered")]
    district.pass_s(60)

    assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "offered")]


def test_with_nobody_on_duty_the_refusal_is_typed_and_nothing_changes(district: District) -> None:
    alarm = claimed(district)
    go_home(district, *PEOPLE)

    def ask(station_id: str | None) -> None:
        district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN, station_id))

    for each in (None, ANHE, "st-none"):
        with pytest.raises(NobodyOnDuty):
            ask(each)

    assert district.history(alarm) == ["raised", "claimed"]


def test_a_station_whose_people_are_all_out_is_passed_over(district: District) -> None:
    go_home(district, "re-dengxm")
    _, offer_id = offered(district)
    district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))
    second = district.do(district.press("ho-anhe02"), c.Claim(HE))

    district.store.write(lambda w: district.desk.dispatch(w, second.id, HE))

    assert district.offers(second) == [(JIANGLING, "offered")]


def test_who_has_a_case_cannot_take_a_second_one_and_a_colleague_can(district: District) -> None:
    _, first = offered(district)
    desk, write = district.desk, district.store.write
    write(lambda w: desk.accept(w, first, CHEN))
    other = district.do(district.press("ho-anhe02"), c.Claim(HE))
    second = write(lambda w: desk.dispatch(w, other.id, HE, ANHE))["id"]

    with pytest.raises(AlreadyOut, match="report it or give it back") as refused:
        write(lambda w: desk.accept(w, second, CHEN))

    assert refused.value.data == {"offer": first}
    assert district.offers(other) == [(ANHE, "offered")]
    assert write(lambda w: desk.accept(w, second, DENG))["state"] == "accepted"


def test_who_has_reported_a_case_can_take_the_next_one(district: District) -> None:
    _, first = offered(district)
    desk, write = district.desk, district.store.write
    write(lambda w: desk.accept(w, first, CHEN))
    write(lambda w: desk.arrive(w, first, CHEN))
    other = district.do(district.press("ho-anhe02"), c.Claim(HE))
    second = write(lambda w: desk.dispatch(w, other.id, HE, ANHE))["id"]

    write(lambda w: desk.report(w, first, CHEN, REPORT))

    assert write(lambda w: desk.accept(w, second, CHEN))["state"] == "accepted"


def test_others_can_be_sent_after_a_report(district: District) -> None:
    alarm, offer_id = offered(district)
    desk, write = district.desk, district.store.write
    write(lambda w: desk.accept(w, offer_id, CHEN))
    write(lambda w: desk.arrive(w, offer_id, CHEN))
    write(lambda w: desk.report(w, offer_id, CHEN, {**REPORT, "found": "no_entry"}))

    write(lambda w: desk.dispatch(w, alarm.id, LIN, JIANGLING))

    assert district.offers(alarm) == [(ANHE, "reported"), (JIANGLING, "offered")]


def test_the_door_code_is_told_to_who_goes_and_only_on_the_way(district: District) -> None:
    alarm, offer_id = offered(district)
    desk, write = district.desk, district.store.write
    codes: list[str | None] = [district.told("offers", offer_id, ANHE)["alarm"]["door_code"]]
    for go in (
        lambda w: desk.accept(w, offer_id, CHEN),
        lambda w: desk.depart(w, offer_id, CHEN),
        lambda w: desk.arrive(w, offer_id, CHEN),
    ):
        write(go)
        codes.append(district.told("offers", offer_id, ANHE)["alarm"]["door_code"])

    home = district.told("offers", offer_id, ANHE)["alarm"]["home"]["id"]
    assert codes[0] is None
    assert codes[1] == codes[2] is not None
    assert codes[3] is None
    assert home == "ho-anhe01"
    seen = [op for op in district.ops if op.coll == "offers" and op.station is None]
    assert seen
    assert not any(str(codes[1]).encode() in bytes(op.v) for op in seen)
    assert not any(str(codes[1]).encode() in bytes(op.v) for op in district.ops if op.area != "-")
    assert all(each["alarm"]["door_code"] is None for each in _shown(district, alarm))


def _shown(district: District, alarm: Alarm) -> list[dict[str, dict[str, object]]]:
    return district.store.read(lambda w: district.desk.offers_of(w, alarm.id))


def of(areas: frozenset[str] = frozenset(), station: str | None = None) -> Scope:
    return Scope(areas, station, frozenset())


def test_the_feed_tells_operators_and_the_station_of_the_offer(district: District) -> None:
    _, offer_id = offered(district)

    op = next(op for op in district.ops if op.coll == "offers" and op.station is None)
    shown = district.told("offers", offer_id, ANHE)

    assert op.area == "440310002902"
    assert set(shown) == {
        *("id", "alarm_id", "state", "rev", "station", "responder", "offered_at_ms"),
        *("expires_at_ms", "accepted_at_ms", "departed_at_ms", "arrived_at_ms", "reported_at_ms"),
        *("distance_m", "travel_s", "rank", "attempt", "decline_reason", "report", "alarm"),
    }
    assert set(shown["alarm"]) == {
        *("no", "kind", "severity", "say", "home", "resident", "device", "hazards", "conditions"),
        *("entry_notes", "door_code", "contacts"),
    }
    assert shown["expires_at_ms"] - shown["offered_at_ms"] == 60_000
    assert "alarm" not in district.told("alarms", shown["alarm_id"], None)["offer"]


def test_each_side_of_the_feed_gets_its_own_words_of_an_offer(district: District) -> None:
    _, offer_id = offered(district)
    district.store.write(lambda w: district.desk.accept(w, offer_id, CHEN))
    told = [op for op in district.ops if op.coll == "offers"]
    areas, offers = district.registry.areas_under("440310"), frozenset({"offers"})
    operators = [op for op in told if Scope(areas, None, offers).sees(op)]
    station = [op for op in told if Scope(areas, ANHE, offers).sees(op)]

    assert (len(operators), len(station)) == (2, 2)
    assert not any(op in station for op in operators)
    assert not any(Scope(areas, JIANGLING, offers).sees(op) for op in told)


def test_units_follow_the_offer(district: District) -> None:
    _, offer_id = offered(district)
    desk, write = district.desk, district.store.write

    def states() -> list[str]:
        told = {op.id for op in district.ops if op.coll == "units"}
        return [district.told("units", p, ANHE)["state"] for p in sorted(told)]

    assert states() == ["offered", "offered"]
    write(lambda w: desk.accept(w, offer_id, CHEN))
    assert states() == ["accepted", "free"]
    write(lambda w: desk.arrive(w, offer_id, CHEN))
    assert states() == ["arrived", "free"]
    write(lambda w: desk.report(w, offer_id, CHEN, REPORT))
    assert states() == ["free", "free"]
    revs = [district.told("units", p, ANHE)["rev"] for p in ("re-chenli", "re-dengxm")]
    assert revs == [4, 2]
    assert [
        u["rev"] for u in district.store.read(lambda w: desk.units(w, of(station=ANHE)))
    ] == revs


def test_duty_is_told_as_it_changes(district: District) -> None:
    go_home(district, "re-chenli")
    assert district.told("units", "re-chenli", ANHE)["on_duty"] is False

    district.store.write(lambda work: on_duty(work, "re-chenli"))

    assert district.told("units", "re-chenli", ANHE)["on_duty"] is True
    everybody = district.store.read(lambda w: district.desk.units(w, WHOLE))
    assert [each["id"] for each in everybody] == list(PEOPLE)


def test_lists_are_for_a_station_or_for_areas(district: District) -> None:
    _, offer_id = offered(district)
    desk, read = district.desk, district.store.read
    area, elsewhere = frozenset({"440310002902"}), frozenset({"440310002901"})

    assert [o["id"] for o in read(lambda w: desk.open_offers(w, of(station=ANHE)))] == [offer_id]
    assert read(lambda w: desk.open_offers(w, of(station=JIANGLING))) == []
    assert [o["id"] for o in read(lambda w: desk.open_offers(w, of(area)))] == [offer_id]
    assert read(lambda w: desk.open_offers(w, of(elsewhere))) == []
    assert {u["station_id"] for u in read(lambda w: desk.units(w, of(elsewhere)))} == {JIANGLING}


@pytest.mark.parametrize(("length", "is_taken"), [(TEXT_CHARS_MAX, True), (2001, False)])
def test_arriving_elsewhere_is_written_down_with_its_reason(
    district: District, length: int, is_taken: bool
) -> None:
    alarm, offer_id = offered(district)
    desk, write = district.desk, district.store.write
    write(lambda w: desk.accept(w, offer_id, CHEN))

    def arrive(work: Work) -> object:
        return desk.arrive(work, offer_id, CHEN, 22.0, 114.0, "x" * length)

    if is_taken:
        write(arrive)
        assert district.history(alarm)[-1] == "arrived"
    else:
        with pytest.raises(InvalidReport):
            write(arrive)


def test_nobody_can_be_sent_where_nobody_knows_the_place(district: District) -> None:
    alarm = district.do(district.press(None, AlarmKind.TECHNICAL), c.Claim(LIN))

    assert district.store.read(lambda w: district.desk.candidates(w, alarm.id)) == []
    with pytest.raises(NobodyOnDuty):
        district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN))
    with pytest.raises(NotFound):
        district.store.read(lambda w: district.desk.candidates(w, "al-none"))
