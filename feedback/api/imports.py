"""Calls about imports: send a file in pieces, have it imported once a look at it has been seen, cancel, undo.

A file is read and imported in the background (feedback/imports/worker.py); `GET` says how far it is.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field

from feedback.api.pushes import SourceNameReserved
from feedback.api.routes import EngineCall, Read, Write, call_engine, get, put, write
from feedback.api.schemas import Answer, Body, Name, PutBody, Query
from feedback.erasure.undo import undo_import
from feedback.errors import ApiError, BodyInvalid, Conflict
from feedback.formats.asked import Asked
from feedback.formats.errors import EncodingUnknown, ImportRuns, ImportUndone, SourceReserved
from feedback.imports.uploads import read_look, remove_upload, upload_file, write_piece
from feedback.store import uploads
from feedback.store.engine import read
from feedback.store.imports import DONE, INTERRUPTED, name_state
from feedback.store.tables import Import
from feedback.web.services import services

bp = Blueprint("imports", __name__)

EXPERTS = ("expert", "admin")
PIECE_BYTES = 512 * 1024
MAX_COLUMNS = 40


class UploadTooLarge(ApiError):
    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            413,
            "upload_too_large",
            f"The file has {size} bytes; {limit} may be uploaded ([feedback] max_upload_bytes).",
            "Use `rejoinder import`, which has no limit, or pack the file with gzip.",
        )


class TextEncodingUnknown(ApiError):
    def __init__(self, encoding: str) -> None:
        super().__init__(
            422,
            "encoding_unknown",
            f"No text encoding is called {encoding!r}.",
            "utf-8, gb18030, windows-1252 and utf-16 are some; without one it is found by content.",
        )


class UploadGap(Conflict):
    def __init__(self, at: int, received: int) -> None:
        super().__init__(
            "upload_gap",
            f"A piece at byte {at} leaves a gap: {received} bytes were received.",
            "Send the pieces in order; one that came already may come again.",
        )


class NewUpload(Body):
    file: Name = Field(description="The file's name, for people; what it holds is found by its content.")
    size: Annotated[int, Field(ge=1, le=2**53, description="In bytes.")]
    source: Name | None = Field(None, description="Replaces the source that records name.")
    encoding: Name | None = None
    columns: Annotated[dict[str, Name], Field(max_length=MAX_COLUMNS)] | None = Field(
        None, description="Our field -> the column of a CSV file."
    )


class UploadOpened(Answer):
    import_id: str
    piece_bytes: int = Field(description="The largest piece that may be sent, before it is encoded.")


class FilePiece(PutBody):
    at: Annotated[int, Field(ge=0, le=2**53)] = Field(description="Byte of the file at which it begins.")
    data: str = Field(max_length=4 * PIECE_BYTES, description="Base64.")


class PieceReceived(Answer):
    received: int
    state: str


class StartImport(Body):
    pass


class CancelImport(Body):
    pass


class UndoImport(Body):
    pass


class ImportShown(Answer):
    import_id: str
    file: str
    source: str | None
    state: str = Field(
        description="receiving, received, ready, waiting, running, done, failed, interrupted, cancelling, "
        "cancelled or undone"
    )
    size: int
    done: int = Field(description="Bytes received or read so far.")
    error: str | None
    counts: dict[str, Any] = Field(description="Once it is done.")
    created_at: datetime
    finished_at: datetime | None


class ImportNow(Answer):
    import_id: str
    state: str


class ImportTakenBack(Answer):
    import_id: str
    records: int
    conversations: int
    kept: int = Field(description="Conversations that people have worked on since; they stay.")
    datasets: list[str] = Field(description="Datasets that hold records of it; they stay as they are.")
    adapters: list[str] = Field(description="Adapters that have learnt from them.")


@write(bp, "/v1/imports", roles=EXPERTS, body=NewUpload, answer=UploadOpened)
def open_upload(call: Write, body: NewUpload) -> UploadOpened:
    """Begin to send a file. Its pieces follow; nothing is stored until it is started."""
    found = services()
    if body.size > found.settings.max_upload_bytes:
        raise UploadTooLarge(body.size, found.settings.max_upload_bytes)
    try:
        Asked(None, body.source, body.encoding, body.columns or {}).check()
    except SourceReserved as fault:
        raise SourceNameReserved(body.source or "") from fault
    except EncodingUnknown as fault:
        raise TextEncodingUnknown(body.encoding or "") from fault
    asked = {"encoding": body.encoding, "columns": body.columns}
    row = uploads.add_upload(
        call.session,
        desk_id=call.actor.desk_id,
        file=body.file,
        size=body.size,
        source=body.source,
        asked={name: value for name, value in asked.items() if value},
        actor=call.actor.agent_name(),
        now=call.now,
    )
    call.after_commit(found.imports.sweep)
    largest = (found.settings.max_body_bytes - 1_000) * 3 // 4
    return UploadOpened(import_id=row.id, piece_bytes=min(PIECE_BYTES, largest))


@put(bp, "/v1/imports/<import_id>/pieces", roles=EXPERTS, body=FilePiece, answer=PieceReceived, is_large=True)
def take_piece(call: Write, body: FilePiece, import_id: str) -> PieceReceived:
    """Send a piece of the file. Once all are there, the file is looked at."""
    found = services()
    row = uploads.get_import(call.session, desk_id=call.actor.desk_id, import_id=import_id, lock=True)
    uploads.require_state(row, uploads.RECEIVING, *uploads.ARRIVED, now=call.now)
    try:
        data = base64.b64decode(body.data, validate=True)
    except binascii.Error as fault:
        raise BodyInvalid([f"data: {fault}"]) from fault
    if body.at > row.done:
        raise UploadGap(body.at, row.done)
    if body.at + len(data) > row.size:
        raise BodyInvalid([f"data: it goes beyond the file's {row.size} bytes"])
    if row.state in uploads.ARRIVED:  # the answer to this piece got lost
        return PieceReceived(received=row.size, state=row.state)
    write_piece(upload_file(found.settings.data_dir, row.id, row.file), body.at, data)
    if uploads.note_received(call.session, row=row, done=body.at + len(data), now=call.now):
        call.after_commit(lambda: found.imports.enqueue(row.id))
    return PieceReceived(received=row.done, state=row.state)


@get(bp, "/v1/imports/<import_id>", roles=EXPERTS, answer=ImportShown)
def show_import(call: Read[Query], import_id: str) -> ImportShown:
    """How far an import is, and what it came to."""
    with call.read() as session:
        row = uploads.get_import(session, desk_id=call.actor.desk_id, import_id=import_id)
    return shape_import(row, now=call.now)


def shape_import(row: Import, *, now: datetime) -> ImportShown:
    return ImportShown(
        import_id=row.id,
        file=row.file,
        source=row.source,
        state=name_state(row, now=now),
        size=row.size,
        done=row.done,
        error=row.error,
        counts=row.counts,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


@write(
    bp,
    "/v1/imports/<import_id>/start",
    roles=EXPERTS,
    body=StartImport,
    answer=ImportNow,
    status=202,
)
def start_import(call: Write, body: StartImport, import_id: str) -> ImportNow:
    """Import an uploaded file, or go on with an import that was interrupted."""
    row = uploads.get_import(call.session, desk_id=call.actor.desk_id, import_id=import_id, lock=True)
    importing, data_dir = services().imports, services().settings.data_dir
    is_looked_at = "parts" in read_look(data_dir, row.id)
    uploads.ask_start(call.session, row=row, is_looked_at=is_looked_at, now=call.now)
    call.after_commit(lambda: importing.enqueue(row.id))
    return ImportNow(import_id=row.id, state=row.state)


@write(
    bp,
    "/v1/imports/<import_id>/cancel",
    roles=EXPERTS,
    body=CancelImport,
    answer=ImportNow,
    status=202,
)
def cancel_import(call: Write, body: CancelImport, import_id: str) -> ImportNow:
    """Cancel an import. One that runs stops soon, and what it has added is removed."""
    row = uploads.get_import(call.session, desk_id=call.actor.desk_id, import_id=import_id, lock=True)
    data_dir = services().settings.data_dir
    if uploads.ask_cancel(call.session, row=row, now=call.now):
        call.after_commit(lambda: remove_upload(data_dir, row.id))
    return ImportNow(import_id=row.id, state=row.state)


@call_engine(bp, "/v1/imports/<import_id>/undo", roles=EXPERTS, body=UndoImport, answer=ImportTakenBack)
def take_back_import(call: EngineCall, body: UndoImport, import_id: str) -> ImportTakenBack:
    """Remove what an import added, as a whole. What was built and learnt from it stays, and is named."""
    found = services()
    with read(found.store_engine) as session:
        row = uploads.get_import(session, desk_id=call.actor.desk_id, import_id=import_id)
    uploads.require_state(row, DONE, INTERRUPTED, uploads.FAILED, now=call.now)
    try:
        undone = undo_import(
            found.store_engine,
            start=row.id,
            desk_id=row.desk_id,
            data_dir=found.settings.data_dir,
            clock=found.clock,
        )
    except (ImportRuns, ImportUndone) as fault:  # somebody was faster
        raise uploads.ImportStateWrong(row.id, "running again or undone", DONE) from fault
    remove_upload(found.settings.data_dir, row.id)
    told = {name: value for name, value in undone.to_json().items() if name not in ("id", "file")}
    return ImportTakenBack(import_id=row.id, **told)
