"""Drafts a version: compares the tables with an empty store brought to the newest version.

python -m feedback.migrations "Add the column x"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from feedback.migrations import configure, upgrade_engine
from feedback.store.engine import open_engine


def draft(message: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        engine = open_engine(f"sqlite:///{Path(directory) / 'draft.db'}")
        upgrade_engine(engine)
        config = configure()
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True)
        engine.dispose()


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or "Change the tables")
