"""All forms of an export, by name."""

from feedback.exports.form import ExportForm
from feedback.exports.llamafactory import LLAMAFACTORY
from feedback.exports.openai import OPENAI
from feedback.exports.own import OWN_LINES
from feedback.exports.sharegpt import SHAREGPT_LINES
from feedback.exports.tables import CSV, PARQUET_TABLE
from feedback.exports.trl import TRL
from feedback.formats.errors import FormatUnknown

EXPORT_FORMS: dict[str, ExportForm] = {
    form.name: form for form in (OWN_LINES, TRL, OPENAI, SHAREGPT_LINES, LLAMAFACTORY, PARQUET_TABLE, CSV)
}


def find_form_named(name: str) -> ExportForm:
    """Raises FormatUnknown."""
    if name not in EXPORT_FORMS:
        raise FormatUnknown(name, EXPORT_FORMS)
    return EXPORT_FORMS[name]
