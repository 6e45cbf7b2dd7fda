"""The call by which an app pushes records: choices, pairs, thumbs or conversations in any form that an import
of a file recognises.
"""

from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import EngineCall, call_engine
from feedback.api.schemas import Answer, Body
from feedback.errors import ApiError
from feedback.formats.errors import NothingRecognised, SourceReserved
from feedback.imports.push import push_records
from feedback.web.services import services

bp = Blueprint("pushes", __name__)

MOST_RECORDS = 500


class RecordsUnrecognised(ApiError):
    def __init__(self, fault: NothingRecognised) -> None:
        shown = ", ".join(fault.fields)
        found = f"they have the fields {shown}" if shown else f"none could be read{fault.refused}"
        super().__init__(
            422,
            "records_unrecognised",
            f"The records are in no known form: {found}.",
            "docs/formats.md lists the forms; nothing was stored.",
        )


class SourceNameReserved(ApiError):
    def __init__(self, name: str) -> None:
        super().__init__(
            422,
            "source_reserved",
            f"The source {name!r} is the name of what people do here.",
            "Push under another name; nothing was stored.",
        )


class NewRecords(Body):
    records: Annotated[list[Any], Field(min_length=1, max_length=MOST_RECORDS)] = Field(
        description="Records of one of the forms in docs/formats.md, all of the same."
    )


class RefusedRecord(Answer):
    record: int = Field(description="Which of the records, from 1.")
    reason: str  # no detail, which may quote the record: answers are kept with their events


class RecordsTaken(Answer):
    import_id: str | None = Field(description="Undoing this import removes what the call added.")
    format: str = Field(description="What the records were recognised as.")
    accepted: int
    duplicates: int = Field(description="Records that the store has already.")
    refused: dict[str, int] = Field(description="By reason.")
    examples: list[RefusedRecord] = Field(description="Up to 20 refused records, each reason among them.")


@call_engine(
    bp, "/v1/sources/<path:source>/records", roles=("app",), body=NewRecords, answer=RecordsTaken, status=201
)
def push(call: EngineCall, body: NewRecords, source: str) -> RecordsTaken:
    """Push up to 500 records of a source. Bad ones are counted by reason; the others are stored."""
    found = services()
    try:
        report = push_records(
            found.store_engine,
            body.records,
            source=source,
            desk_id=call.actor.desk_id,
            data_dir=found.settings.data_dir,
            clock=found.clock,
        )
    except NothingRecognised as fault:
        raise RecordsUnrecognised(fault) from fault
    except SourceReserved as fault:
        raise SourceNameReserved(source) from fault
    return RecordsTaken(
        import_id=report.import_id,
        format=report.parts[0].format or "",
        accepted=report.accepted,
        duplicates=report.duplicates,
        refused=dict(report.refused),
        examples=[RefusedRecord(record=one.line, reason=one.reason) for one in report.examples],
    )
