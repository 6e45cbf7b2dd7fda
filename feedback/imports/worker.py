"""Looks at uploaded files and imports them in the background, one after another, whether or not somebody has
the page open.

A look reads the first records and stores nothing. An import that is cancelled takes back what it has added.
One whose process ends is left as it is: it is shown as interrupted, and can be repeated, which adds the rest,
or undone.

    worker = ImportWorker(store_engine=..., data_dir=..., clock=...)
    worker.enqueue(import_id); worker.close()
"""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.erasure.undo import undo_import
from feedback.errors import ApiError, StoreFull
from feedback.formats.asked import Asked
from feedback.formats.errors import (
    ColumnsMissing,
    ExchangeError,
    ImportStopped,
    NothingRecognised,
)
from feedback.formats.importer import import_file, try_file
from feedback.imports.uploads import list_upload_folders, remove_upload, upload_file, write_look
from feedback.job_queue import JobQueue
from feedback.store import uploads
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Import

log = logging.getLogger(__name__)

LOOKED_AT = 1_000  # lines of a file that is looked at
SWEEP_EVERY_S = 3_600.0
FAULTS: dict[type[Exception], str] = {
    NothingRecognised: "nothing_recognised",
    ColumnsMissing: "columns_missing",
    FileNotFoundError: "upload_gone",
}
OTHER_FAULT = "import_failed"


class ImportWorker:
    def __init__(self, *, store_engine: Engine, data_dir: Path, clock: Clock) -> None:
        self._store = store_engine
        self._data_dir = data_dir
        self._clock = clock
        self._jobs = JobQueue("import", self.work)

    def enqueue(self, import_id: str) -> None:
        """Asks to go on with this import soon; repeating it is harmless."""
        self._jobs.enqueue(import_id)

    def watch(self) -> None:
        """Sweeps now and every hour until `close`."""
        self._jobs.watch(self.sweep, SWEEP_EVERY_S)

    def sweep(self) -> None:
        """Takes up, in the background, what an earlier process has left waiting, and removes files that
        nobody imports.
        """
        self._jobs.submit(self._sweep)

    def _sweep(self) -> None:
        now = self._clock.now()
        try:
            folders = list_upload_folders(self._data_dir, older_than=now - uploads.KEPT_FOR)
            with unit_of_work(self._store) as session:
                uploads.drop_stale_uploads(session, now=now)
                wanted = uploads.list_wanted_uploads(session, now=now)
                waiting = uploads.list_waiting_imports(session)
        except Exception:  # the edge of this job: the store may be away, and an import's page asks again
            log.exception("no look for imports that wait")
            return
        for import_id in folders - wanted:
            remove_upload(self._data_dir, import_id)
        for import_id in waiting:
            self.enqueue(import_id)

    def close(self) -> None:
        """Stops within the present import, which is then interrupted."""
        self._jobs.close()

    def wait(self) -> None:
        """Waits until all that is queued by now is done."""
        self._jobs.wait()

    def work(self, import_id: str) -> None:
        """Does what the state of an import asks for next."""
        with read(self._store) as session:
            row = session.get(Import, import_id)
        if row is not None and row.state == uploads.RECEIVED:
            self._look(row)
        elif row is not None and row.state == uploads.WAITING:
            self._run(row)

    def _look(self, row: Import) -> None:
        error = None
        try:
            path = upload_file(self._data_dir, row.id, row.file)
            report = try_file(path, clock=self._clock, asked=asked_of(row), most=LOOKED_AT)
            look: dict[str, Any] = report.to_json() | {"is_whole": report.lines < LOOKED_AT}
        except Exception as fault:
            error, look = name_fault(fault), {"fields": getattr(fault, "fields", [])}
        try:
            write_look(self._data_dir, row.id, look)
        except (StoreFull, OSError) as fault:  # nobody could see what would come in
            error = error or name_fault(fault)
        with unit_of_work(self._store) as session:
            uploads.settle_look(session, import_id=row.id, error=error)
            is_cancelled = session.get_one(Import, row.id).state == uploads.CANCELLED
        if is_cancelled:
            remove_upload(self._data_dir, row.id)  # the look may have come after its files were removed

    def _run(self, row: Import) -> None:
        with unit_of_work(self._store) as session:
            if not uploads.begin_import(session, import_id=row.id, now=self._clock.now()):
                return
        try:
            import_file(
                self._store,
                upload_file(self._data_dir, row.id, row.file),
                clock=self._clock,
                asked=asked_of(row),
                desk_id=row.desk_id,
                on_bytes=self._stop_if_closing,
                import_id=row.id,
            )
        except ImportStopped:
            if not self._jobs.closing.is_set():
                self._take_back(row)
            return
        except Exception as fault:
            error = name_fault(fault)
            with unit_of_work(self._store) as session:
                uploads.fail_import(session, import_id=row.id, error=error)
            return
        remove_upload(self._data_dir, row.id)

    def _stop_if_closing(self, _done: int) -> None:
        if self._jobs.closing.is_set():
            raise ImportStopped("upload")

    def _take_back(self, row: Import) -> None:
        """Removes what a cancelled import has added. One that another process has ended stays as it is: it
        went on there while this one stood still.
        """
        with read(self._store) as session:
            if session.get_one(Import, row.id).state != uploads.CANCELLING:
                return
        undo_import(
            self._store, start=row.id, desk_id=row.desk_id, data_dir=self._data_dir, clock=self._clock
        )
        with unit_of_work(self._store) as session:
            uploads.settle_cancelled(session, import_id=row.id)
        remove_upload(self._data_dir, row.id)


def asked_of(row: Import) -> Asked:
    return Asked(None, row.source, row.asked.get("encoding"), row.asked.get("columns") or {})


def name_fault(fault: Exception) -> str:
    """The code of why an import failed; what nobody foresaw is logged."""
    if isinstance(fault, ApiError):
        return fault.code
    code = FAULTS.get(type(fault), OTHER_FAULT)
    if not isinstance(fault, ExchangeError) and code == OTHER_FAULT:
        log.error("an import failed", exc_info=fault)
    return code
