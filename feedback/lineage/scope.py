"""Where lineage looks: one desk's rows and the files of its datasets."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine


@dataclass(frozen=True)
class Scope:
    store_engine: Engine
    data_dir: Path
    desk_id: str
