from cloud.registry.last_values import (
    TEXT_CHARS_MAX,
    LastRow,
    LastValue,
    last_seen_ms,
    last_values,
    merge,
    merged,
)


def test_the_newer_value_stands_whatever_order_they_come_in():
    newer = LastRow("d1", "temperature", 21.5, "Cel", 2000)
    older = LastRow("d1", "temperature", 19.0, "Cel", 1000)

    assert merged({}, [newer, older]) == merged({}, [older, newer])
    assert merged({}, [newer, older])["d1"]["temperature"].v == 21.5


def test_of_two_values_of_one_instant_the_later_told_stands():
    rows = [LastRow("d1", "opening", True, None, 5), LastRow("d1", "opening", False, None, 5)]

    assert merged({}, rows)["d1"]["opening"].v is False


def test_a_long_text_is_cut():
    long = "x" * (TEXT_CHARS_MAX + 1)

    kept = merged({}, [LastRow("d1", "button", long, None, 5)])["d1"]["button"].v

    assert kept == "x" * TEXT_CHARS_MAX


def test_what_a_home_said_is_merged_over_transactions(registry, store):
    store.write(lambda work: merge(work, "ho-anhe01", [LastRow("d1", "battery", 80, "%", 1)]))
    store.write(lambda work: merge(work, "ho-anhe01", [LastRow("d1", "motion", True, None, 9)]))

    values = store.read(lambda work: last_values(work, "ho-anhe01"))["d1"]

    assert values["battery"] == LastValue(80, 1, "%")
    assert values["motion"] == LastValue(True, 9)
    assert last_seen_ms(values) == 9


def test_a_home_that_never_said_anything_has_no_values(registry, store):
    assert store.read(lambda work: last_values(work, "ho-anhe02")) == {}
    assert last_seen_ms({}) is None
