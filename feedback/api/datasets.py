"""GET /v1/datasets/{id}/export: a dataset as JSONL for an expert's own tools."""

from typing import Literal

from flask import Blueprint, Response

from feedback.api.routes import Read, get
from feedback.api.schemas import Query
from feedback.datasets.export import iterate_export
from feedback.errors import NotFound
from feedback.formats.errors import DatasetFilesMissing
from feedback.store.datasets import get_dataset
from feedback.web.services import services

bp = Blueprint("exchange", __name__)
JSON_LINES = "application/jsonl"


class ExportQuery(Query):
    format: Literal["choices", "pairs", "thumbs"] = "pairs"


@get(bp, "/v1/datasets/<dataset_id>/export", roles=("expert",), answer=JSON_LINES, query=ExportQuery)
def export_dataset(call: Read[ExportQuery], dataset_id: str) -> Response:
    """A dataset as JSONL: choices, pairs or thumbs, each line with its split."""
    with call.read() as session:
        get_dataset(session, desk_id=call.actor.desk_id, dataset_id=dataset_id)
    try:
        pieces = iterate_export(services().settings.data_dir, dataset_id, call.query.format)
    except DatasetFilesMissing as error:
        raise NotFound("dataset", dataset_id) from error
    name = f"{dataset_id[:16]}-{call.query.format}.jsonl"
    return Response(
        pieces, mimetype=JSON_LINES, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
