"""Brings in records that an app sends. They become the lines of a file and come in as any file does, so that
there is one way in.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from feedback.formats.report import ImportReport
from feedback.imports.uploads import PUSH, UPLOADS, full_disk_named
from serving.files import make_private_dir


def push_records(
    store_engine: Engine, records: list[Any], *, source: str, desk_id: str, data_dir: Path, clock: Clock
) -> ImportReport:
    """Imports these records, one a line, under the name of a source. Raises what `import_file` raises, and
    StoreFull where the disk is full.
    """
    with full_disk_named():
        make_private_dir(data_dir / UPLOADS)
        holder = tempfile.TemporaryDirectory(prefix=PUSH, dir=data_dir / UPLOADS)
    with holder as folder:
        path = Path(folder) / "push"
        with full_disk_named(), path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        return import_file(store_engine, path, clock=clock, asked=Asked(source=source), desk_id=desk_id)
