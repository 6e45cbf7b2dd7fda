"""The tables of docs/formats.md that say what each form of an export holds, from the forms themselves."""

from feedback.exports.form import FIELDS, KINDS, ExportForm, KindShape
from feedback.exports.forms import EXPORT_FORMS
from feedback.exports.report import LOSSES

FEW = 8  # names in a cell
FILES = {"jsonl": "JSON lines", "parquet": "Parquet", "csv": "CSV"}
BEGIN, END = "<!-- From the program, by `python -m commands.docs`: -->\n\n", "\n\n<!-- End. -->"


def fill_tables(page: str) -> str:
    """The page with both tables as they are now."""
    before, *parts = page.split(BEGIN)
    rests = [part.partition(END)[2] for part in parts]
    tables = (list_forms(), list_losses())
    return before + "".join(f"{BEGIN}{table}{END}{rest}" for table, rest in zip(tables, rests, strict=True))


def list_forms() -> str:
    rows = [
        f"| `{form.name}` | {FILES[form.ending]} | "
        + " | ".join(describe_held(form, kind) for kind in KINDS)
        + " |"
        for form in EXPORT_FORMS.values()
    ]
    head = f"| format | files | {' | '.join(KINDS)} |"
    return "\n".join([head, "|" + " --- |" * (2 + len(KINDS)), *rows])


def describe_held(form: ExportForm, kind: str) -> str:
    shape = form.shapes.get(kind)
    if shape is None:
        return "their pairs" if kind == "choices" else "none"
    if shape.holds is None:
        return "everything"
    lost = list_lost(shape, kind)
    if not lost:
        return "every field of ours"
    if len(lost) <= FEW:
        return "all but " + ", ".join(f"`{name}`" for name in lost)
    held = sorted(name for name in shape.holds if "." not in name)
    return "only " + ", ".join(f"`{name}`" for name in held)


def list_lost(shape: KindShape, kind: str) -> list[str]:
    """The fields of a kind that are not held, without those inside one of them."""
    lost = {name for name in FIELDS[kind] if not shape.is_held(name)}
    return sorted(name for name in lost if name.partition(".")[0] not in lost - {name})


def list_losses() -> str:
    rows = [f"| `{code}` | {words} |" for code, words in LOSSES.items()]
    return "\n".join(["| also counted | means |", "| --- | --- |", *rows])
