"""What experts ask of datasets over HTTP: the records in the form of their own tools, the card, what changed
from one to another, and what came of the records.
"""

from typing import Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Query
from feedback.datasets.card import render_data_card
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import dataset_dir
from feedback.datasets.manifest import read_dataset_manifest
from feedback.datasets.movements import diff_datasets
from feedback.errors import ApiError, NotFound
from feedback.exports.files import Export
from feedback.exports.forms import find_form_named
from feedback.exports.records import open_for_export
from feedback.formats.errors import DatasetFilesMissing, KindNotHeld, NothingToExport
from feedback.lineage.graph import Scope
from feedback.lineage.reuse import find_reuse
from feedback.store.datasets import get_dataset
from feedback.store.sources import list_sources, read_left_out
from feedback.web.services import services

bp = Blueprint("exchange", __name__)
MARKDOWN = "text/markdown"
ZIP = "application/zip"

Object = dict[str, Any]


class ExportQuery(Query):
    format: Literal["own", "trl", "openai", "sharegpt", "llamafactory", "parquet", "csv"] = "own"
    kind: Literal["choices", "pairs", "thumbs"] | None = None
    split: Literal["train", "validation", "test"] | None = None


class NotHeld(ApiError):
    """The form has no place for what was asked for."""

    def __init__(self, why: KindNotHeld | NothingToExport) -> None:
        super().__init__(422, "export_empty", str(why), "docs/formats.md says what each form holds.")


@get(bp, "/v1/datasets/<dataset_id>/export", roles=("expert",), answer=ZIP, query=ExportQuery)
def export_dataset(call: Read[ExportQuery], dataset_id: str) -> Response:
    """A dataset in the form of a tool, as one zip file; with `kind` only those records, as one file."""
    asked, form = call.query, find_form_named(call.query.format)
    with call.read() as session:
        get_dataset(session, desk_id=call.actor.desk_id, dataset_id=dataset_id)
        left_out = read_left_out(session, desk_id=call.actor.desk_id)
    try:
        records = open_for_export(
            services().settings.data_dir, dataset_id, left_out=left_out, split=asked.split
        )
        export = Export(records, form)
        export.survey(asked.kind)
    except DatasetFilesMissing as error:
        raise NotFound("dataset", dataset_id) from error
    except (KindNotHeld, NothingToExport) as error:
        raise NotHeld(error) from error
    name, media_type = f"{dataset_id[:16]}-{asked.kind or form.name}", form.media_type if asked.kind else ZIP
    return Response(
        export.iterate(asked.kind) if asked.kind else export.iterate_zip(),
        mimetype=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{form.ending if asked.kind else "zip"}"'
        },
    )


@get(bp, "/v1/datasets/<dataset_id>/card", roles=("expert",), answer=MARKDOWN)
def show_card(call: Read[Query], dataset_id: str) -> Response:
    """The data card of a dataset, with the sources and licences of today."""
    directory = dataset_dir(services().settings.data_dir, dataset_id)
    with call.read() as session:
        get_dataset(session, desk_id=call.actor.desk_id, dataset_id=dataset_id)
        sources = list_sources(session, desk_id=call.actor.desk_id)
    try:
        text = render_data_card(directory, read_dataset_manifest(directory), sources)
    except (DatasetMissing, FileNotFoundError) as error:
        raise NotFound("dataset", dataset_id) from error
    return Response(text, mimetype=MARKDOWN)


class DatasetReuse(Answer):
    id: str
    versions: list[Object] = Field(
        description="The newest datasets that hold some of the records, this one among them: `shared` in all "
        "and `by_tag`, `adapters` with support rate, nats per held-out choice and state."
    )
    tags: list[Object] = Field(description="By tag, the number of versions and the adapters.")


@get(bp, "/v1/datasets/<dataset_id>/reuse", roles=("expert",), answer=DatasetReuse)
def show_reuse(call: Read[Query], dataset_id: str) -> DatasetReuse:
    """Which versions hold records of a dataset, too, by tag, with the adapters and results that followed."""
    found = services()
    scope = Scope(found.store_engine, found.settings.data_dir, call.actor.desk_id)
    try:
        return DatasetReuse(**find_reuse(scope, dataset_id).to_json())
    except DatasetMissing as error:
        raise NotFound("dataset", dataset_id) from error


class DatasetDiff(Answer):
    a: str
    b: str
    kept: int = Field(description="Records that both hold.")
    came: Object = Field(
        description="`total`; `by`: form, source, language, tag, split and why, each with its counts; "
        "`examples`, at most 20."
    )
    left: Object = Field(description="The same of what `b` does not hold any more.")
    resplit: list[Object] = Field(description="Records in another split: none ever should be.")
    refusals: dict[str, list[int]] = Field(description="By code, the counts of both where they differ.")
    selections: list[Object] = Field(description="What each was selected by.")


@get(bp, "/v1/datasets/<a>/diff/<b>", roles=("expert",), answer=DatasetDiff)
def diff_two(call: Read[Query], a: str, b: str) -> DatasetDiff:
    """What changed from one dataset to another: which records came in, which left, and why, as of today."""
    found = services()
    try:
        told = diff_datasets(
            found.store_engine, data_dir=found.settings.data_dir, desk_id=call.actor.desk_id, old=a, new=b
        )
    except DatasetMissing as error:
        raise NotFound("dataset", error.path.name) from error
    return DatasetDiff(a=a, b=b, **told.to_json())
