"""A database made by the revisions has exactly the tables of the code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, inspect, text

from cloud.storage import migrate
from cloud.storage.engine import open_engine
from cloud.storage.errors import NewerDatabase
from cloud.storage.schema import metadata
from scripts.generate_migration import import_every_room

NEWEST = max(path.name[1:5] for path in (migrate.FOLDER / "versions").glob("r*.py"))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    import_every_room()
    url: URL | str = f"sqlite:///{tmp_path / 'anju.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("databases").bare()
    engine = open_engine(url, writes=True)
    yield engine
    engine.dispose()


def _tables(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_an_empty_database_gets_every_table_of_the_code(engine: Engine) -> None:
    assert migrate.current_revision(engine) is None

    migrate.upgrade(engine)

    assert migrate.current_revision(engine) == NEWEST
    assert _tables(engine) == set(metadata.tables) | {"alembic_version"}
    assert migrate.check(engine) == []


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO alarm_number VALUES ('261118', 7)"))

    migrate.upgrade(engine)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT last FROM alarm_number")).scalar() == 7


def test_a_table_that_no_revision_makes_is_found(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE feed"))

    [difference] = migrate.check(engine)

    assert difference[0] == "add_table"


def test_the_way_back_leaves_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)

    migrate.downgrade(engine)

    assert migrate.current_revision(engine) is None
    assert _tables(engine) <= {"alembic_version"}


def test_a_database_of_a_later_version_is_refused_and_untouched(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(NewerDatabase, match="start the version that wrote it"):
        migrate.upgrade(engine)
    with pytest.raises(NewerDatabase, match="9999"):
        migrate.downgrade(engine)

    assert migrate.current_revision(engine) == "9999"


def test_an_address_does_as_well_as_an_engine(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'anju.db'}"

    migrate.upgrade(url)

    assert migrate.current_revision(url) == NEWEST


def test_a_revision_that_fails_half_way_leaves_the_database_as_it_was(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE station (id TEXT)"))  # in the way of ours

    with pytest.raises(Exception, match="station"):
        migrate.upgrade(engine)

    assert _tables(engine) == {"station"}
