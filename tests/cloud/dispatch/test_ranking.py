"""Which station is asked first, and what is said of each."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cloud.dictionary import read_dictionary
from cloud.dispatch.ranking import Candidate, Standing, rank
from cloud.words import gaps

CONFIG = Path(__file__).parents[3] / "config"


def station(
    name: str, distance_m: float, travel_s: float | None = None, **more: object
) -> Standing:
    facts = {"on_duty": 2, "free": 2, "load": 0, **more}
    way_s = distance_m / 4 if travel_s is None else travel_s
    return Standing(name, distance_m, way_s, **facts)  # type: ignore[arg-type]


def order(*standings: Standing) -> list[str]:
    return [each.station_id for each in rank(standings)]


def keys(candidate: Candidate) -> list[str]:
    return [reason.key for reason in candidate.reasons]


def test_the_best_by_road_among_the_three_nearest_comes_first() -> None:
    across_the_river = station("a", 800, 900)
    by_the_bridge = station("b", 1200, 400)

    assert order(across_the_river, by_the_bridge, station("c", 2000)) == ["b", "c", "a"]


def test_a_fourth_station_never_overtakes_the_three_nearest() -> None:
    near = [station(name, 1000 + i, 900) for i, name in enumerate("abc")]

    assert order(*near, station("fast", 5000, 60))[-1] == "fast"


def test_cases_in_hand_weigh_as_five_minutes_each() -> None:
    assert order(station("busy", 1000, 200, load=1), station("idle", 1500, 499)) == ["idle", "busy"]
    assert order(station("busy", 1000, 200, load=1), station("idle", 1500, 501)) == ["busy", "idle"]


def test_a_station_without_anybody_free_stands_last_and_says_why() -> None:
    empty = station("empty", 100, on_duty=0, free=0)
    busy = station("busy", 200, on_duty=2, free=0)
    *_, first, second = rank([empty, busy, station("far", 9000)])

    assert [first.station_id, second.station_id] == ["empty", "busy"]
    assert "nobody_on_duty" in keys(first)
    assert "all_busy" in keys(second)
    assert not first.is_possible


def test_who_has_been_asked_is_not_asked_again() -> None:
    ranked = rank([station("asked", 100, has_been_asked=True), station("next", 5000)])

    assert [each.station_id for each in ranked if each.is_recommended] == ["next"]
    assert "asked_already" in keys(ranked[1])


def test_a_missing_skill_counts_more_than_the_way_but_is_better_than_nobody() -> None:
    near, nurse = station("near", 100), station("nurse", 3000, skills=frozenset({"nursing"}))
    wanted = frozenset({"nursing"})

    assert rank([near, nurse], wanted)[0].station_id == "nurse"
    assert rank([near], wanted)[0].is_recommended


def test_nobody_is_recommended_where_nobody_can_go() -> None:
    assert not any(each.is_recommended for each in rank([station("a", 1, on_duty=0, free=0)]))


def test_help_across_a_border_and_beyond_the_radius_is_said() -> None:
    [only] = rank([station("far", 9000, 1801, is_own_area=False)])

    assert {"by_agreement", "far"} <= set(keys(only))


def test_every_reason_has_its_words_in_both_languages() -> None:
    words = read_dictionary(CONFIG / "words")
    ranked = rank(
        [
            station("a", 100, load=1, is_own_area=False, has_been_asked=True, travel_s=1801),
            station("b", 100, on_duty=0, free=0),
            station("c", 100, free=0),
        ],
        frozenset({"nursing"}),
    )

    for reason in (reason for each in ranked for reason in each.reasons):
        said = words.say(f"dispatch.{reason.key}", **reason.facts)
        assert "…" not in said.zh + said.en
        assert not gaps(said)
        assert said.zh != said.en


@given(
    st.lists(
        st.builds(
            station,
            st.text("abcdef", min_size=1, max_size=4),
            st.floats(0, 50_000),
            free=st.integers(0, 3),
            load=st.integers(0, 3),
            has_been_asked=st.booleans(),
        ),
        max_size=8,
        unique_by=lambda each: each.station_id,
    )
)
def test_ranking_keeps_everybody_and_does_not_depend_on_the_order_given(
    standings: list[Standing],
) -> None:
    ranked = rank(standings)

    assert sorted(each.station_id for each in ranked) == sorted(s.station_id for s in standings)
    assert ranked == rank(list(reversed(standings)))
    assert [each.rank for each in ranked] == list(range(1, len(standings) + 1))
