"""Our own forms, as JSON lines: they hold everything, fields of somebody else's, too."""

from feedback.exports.form import KINDS, Conversion, ExportForm, KindShape, write_lines

OWN_LINES = ExportForm(
    name="own",
    ending="jsonl",
    media_type="application/jsonl",
    shapes={kind: KindShape(Conversion, None) for kind in KINDS},
    write=write_lines,
    is_even=False,
)
