"""Drafts a revision of the database from what the tables in the code have and the revisions lack.

python scripts/generate_migration.py "what changes"; read the file it writes before you commit it.
"""

import pkgutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import cloud
from cloud.storage import migrate
from cloud.storage.engine import open_engine


def import_every_room() -> None:
    """So that the one MetaData has every table."""
    for module in pkgutil.walk_packages(cloud.__path__, "cloud."):
        import_module(module.name)


def main() -> None:
    """One more file in cloud/storage/migrations/versions."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    import_every_room()
    number = f"{len(list((migrate.FOLDER / 'versions').glob('r*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'empty.db'}", writes=True)
        migrate.upgrade(engine)
        migrate.draft(engine, sys.argv[1], number)
        engine.dispose()
    subprocess.run(["ruff", "format", str(migrate.FOLDER)], check=True)


if __name__ == "__main__":
    main()
