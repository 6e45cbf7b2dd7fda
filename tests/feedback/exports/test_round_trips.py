"""What goes out in a form comes in again: all that the form says it holds, in every form of ours.

Once with a record of every format that we read, through the store; and once with anything that may stand in a
record, from line to line.
"""

import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.canonical import canonical_json
from feedback.exports.columns import list_filled
from feedback.exports.files import Export, write_pieces
from feedback.exports.form import KINDS
from feedback.exports.forms import EXPORT_FORMS
from feedback.exports.records import ExportRecords, open_copy
from feedback.exports.store import StoreReader
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file, open_readers, read_parts
from feedback.formats.report import ImportReport
from feedback.records.redact import open_redactor
from feedback.records.schemas import FORMS, conversation_of, read_form
from feedback.store.tables import DEFAULT_DESK
from tests.databases import open_sqlite
from tests.feedback.formats.files import CLOCK, write
from tests.feedback.formats.samples import SAMPLES

FRESH = {"id": "x1", "source": "elsewhere", "conversation": "talk", "language": "en", "tags": ["a", "b"]}
TOLD = FRESH | {"annotator": "ann", "at": "2026-11-20T09:00:00+00:00", "weight": 0.5, "reasons": ["tone"]}
CHATS = ("trl", "openai", "sharegpt", "llamafactory")
MORE = {  # beside the samples: every field of ours
    "choices": SAMPLES["our own choices"][2]
    | TOLD
    | {"id": "c-7", "dwell_ms": 900, "edited": "It left our warehouse this morning, sorry!", "extra": 1},
    "pairs": SAMPLES["our own pairs"][0]
    | TOLD
    | {"meta": {"a": [1, None]}, "chat_template_kwargs": {"enable_thinking": False}},
    "thumbs": SAMPLES["our own thumbs"][0] | TOLD | {"comment": "=fast", "arm": "base", "adapter": "a1"},
    "conversations": SAMPLES["our own conversations"][0]
    | {name: FRESH[name] for name in ("id", "source", "language", "tags")}
    | {"customer_id": "9", "customer_details": ["Ann Example"]},
}


def settle(kind, record):
    """A record in one spelling, with its conversation under one name. A template argument that is null is
    none.
    """
    form = read_form(FORMS[kind], record)
    told = form.to_record() | {name: record[name] for name in ("kind",) if kind == "pairs" and name in record}
    if kind != "conversations":
        arguments = told.pop("chat_template_kwargs", {})
        told["chat_template_kwargs"] = {name: value for name, value in arguments.items() if value is not None}
        told["conversation"] = conversation_of(record, record.get("id") or "")
        told.pop("group", None)
    return told


def keep(record, shape):
    """The record with the fields that a form holds."""
    names = [name for name in list_filled(record) if shape.is_held(name)]
    outer = {name: record[name] for name in names if "." not in name}
    for name, value in outer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            outer[name] = [
                {key: told for key, told in inner.items() if f"{name}.{key}" in names} for inner in value
            ]
    return outer


def count_kept(kind, records, shape, is_chat=False):
    """`is_chat`: of a form that has one role for agents and bots."""
    kept = [keep(settle(kind, record), shape) for record in records]
    for turn in (turn for record in kept for turn in record.get("turns", ()) if is_chat):
        turn["role"] = {"agent": "bot"}.get(turn["role"], turn["role"])
    return Counter(map(canonical_json, kept))


def reader_of(engine, path):
    return StoreReader(engine, DEFAULT_DESK, CLOCK.now(), open_redactor(path))


@pytest.fixture
def make_store(prepared_sqlite, tmp_path):
    """Opens fresh stores."""
    opened = []

    def make():
        path = tmp_path / f"store{len(opened)}.db"
        shutil.copy(prepared_sqlite, path)
        opened.append(open_sqlite(path))
        return opened[-1]

    yield make
    for engine in opened:
        engine.dispose()


def bring_samples(engine, folder):
    """A record of every format into the store, and one of each kind with all its fields."""
    for number, sample in enumerate(SAMPLES.values()):
        import_file(engine, write(folder / f"{number}.txt", sample[0]), clock=CLOCK)
    for kind, record in MORE.items():
        path = write(folder / f"{kind}.txt", record)
        assert import_file(engine, path, asked=Asked(kind), clock=CLOCK).accepted == 1


def read_all(records, form, kind):
    has_pairs = kind == "pairs" and "choices" not in form.shapes
    return list(records.read_all_pairs() if has_pairs else records.read(kind))


def test_every_field_that_a_form_holds_comes_back(make_store, tmp_path):
    first = make_store()
    bring_samples(first, tmp_path)
    with open_copy(reader_of(first, tmp_path).read, KINDS, refused={}) as records:
        for form in EXPORT_FORMS.values():
            export = Export(records, form)
            export.survey()
            export.write_folder(tmp_path / form.name)
            second = make_store()
            report = import_file(second, tmp_path / form.name, clock=CLOCK)
            assert (form.name, dict(report.refused)) == (form.name, {})
            again = reader_of(second, tmp_path)
            for kind in KINDS:
                found, shape = list(again.read(kind)), form.shapes.get(kind)
                if shape is None:
                    assert (form.name, found) == (form.name, [])
                    continue
                sent = read_all(records, form, kind)
                assert len(found) == len(sent) >= 2
                told = (shape, form.name in CHATS)
                assert count_kept(kind, found, *told) == count_kept(kind, sent, *told), form.name


def test_our_own_lines_come_back_as_they_came(make_store, tmp_path):
    """To the letter, fields that are not ours included: a second import into the same store adds nothing."""
    first = make_store()
    bring_samples(first, tmp_path)
    with open_copy(reader_of(first, tmp_path).read, KINDS, refused={}) as records:
        export = Export(records, EXPORT_FORMS["own"])
        export.survey()
        export.write_folder(tmp_path / "out")
        named = [record for record in records.read("choices") if record["id"] == "c-7"]
    assert named == [MORE["choices"]]
    second = make_store()
    assert import_file(second, tmp_path / "out", clock=CLOCK).duplicates == 0
    again = import_file(second, tmp_path / "out", clock=CLOCK)
    assert (again.accepted, dict(again.refused)) == (0, {})


TEXTS = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=30),
    st.sampled_from(
        [
            "=1+1",
            "+49 30 1234",
            "-",
            "@SUM(A1)",
            "＝1",
            "'",
            "'=x",
            "''",
            "\t=2",
            "\r\n",
            "a\nb\r\nc",
            '"',
            'a;b,"c"',
        ]
    ),
    st.sampled_from(
        [
            "[{}]",
            '{"a": 1}',
            "null",
            "true",
            "1.5",
            "客户说：“好的”",
            "👩‍👩‍👧 🇨🇳",
            "\u2028",
            "x" * 10_000,
            "é\u0301",
        ]
    ),
)
SAID = TEXTS.filter(lambda text: bool(text.strip()))
IDS = st.one_of(SAID, st.integers(min_value=0, max_value=2**53))
OPTIONAL = {
    "annotator": TEXTS,
    "language": st.sampled_from(["en", "zh-CN", ""]),
    "tags": st.lists(TEXTS, max_size=3),
    "weight": st.floats(min_value=0.01, max_value=1000),
    "at": st.just("2026-11-20T09:00:00.123456+00:00"),
    "reasons": st.none() | st.lists(TEXTS, max_size=2),
    "chat_template_kwargs": st.fixed_dictionaries(
        {}, optional={"enable_thinking": st.booleans(), "effort": TEXTS}
    ),
}
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": TEXTS}
)
ASKED = st.tuples(st.lists(MESSAGES, max_size=3), SAID).map(
    lambda told: [*told[0], {"role": "user", "content": told[1]}]
)
REPLY = SAID.map(lambda text: [{"role": "assistant", "content": text}])
LABELLED = {"id": IDS, "source": SAID, "conversation": SAID, "prompt": ASKED}
RECORDS = {
    "choices": st.fixed_dictionaries(
        LABELLED
        | {
            "candidates": st.lists(
                st.fixed_dictionaries({"text": SAID}), min_size=3, max_size=4, unique_by=str
            )
        },
        optional=OPTIONAL | {"picked": st.just([0]), "dwell_ms": st.integers(0, 10**6)},
    ).map(lambda record: record if "picked" in record else record | {"own": "Something else altogether."}),
    "pairs": st.fixed_dictionaries(
        LABELLED
        | {
            "chosen": REPLY,
            "rejected": st.just([{"role": "assistant", "content": "No idea at all, sorry."}]),
        },
        optional=OPTIONAL | {"meta": st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2)},
    ),
    "thumbs": st.fixed_dictionaries(
        LABELLED | {"completion": REPLY, "label": st.booleans()}, optional=OPTIONAL | {"comment": TEXTS}
    ),
    "conversations": st.fixed_dictionaries(
        {
            "id": IDS,
            "source": SAID,
            "turns": st.lists(
                st.fixed_dictionaries(
                    {"role": st.sampled_from(["customer", "agent", "bot"]), "text": SAID},
                    optional={"ts": st.floats(0, 2e9)},
                ),
                min_size=1,
                max_size=3,
            ),
        },
        optional={name: OPTIONAL[name] for name in ("language", "tags", "at")} | {"customer_id": SAID},
    ),
}


class Gathered:
    """Takes what an import read, in place of a store."""

    def __init__(self):
        self.records = []

    def write(self, parsed, *, now):
        self.records += [record.body | {"id": record.identity, "source": record.source} for record in parsed]


def read_back(path, kind=None):
    report, gathered = ImportReport(), Gathered()
    read_parts(open_readers(path, Asked(kind), report), gathered, report, clock=CLOCK)
    return gathered.records, report


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(RECORDS)), st.sampled_from(sorted(EXPORT_FORMS)), st.data())
def test_whatever_a_record_says_comes_back(tmp_path_factory, kind, name, data):
    """Every generated record that the import accepts, in every form with a place for its kind."""
    form, folder = EXPORT_FORMS[name], tmp_path_factory.mktemp("trip")
    drawn = data.draw(st.lists(RECORDS[kind], min_size=1, max_size=3))
    sent, _ = read_back(write(folder / "in.jsonl", *drawn), kind)
    if not sent or kind not in form.shapes:
        return
    write(folder / f"{kind}.jsonl", *sent)
    export = Export(ExportRecords({kind: folder / f"{kind}.jsonl"}, False), form)
    export.survey(kind)
    out = folder / form.name_file(f"{kind}.out")
    write_pieces(out, export.iterate(kind))
    lost = export.report.lost.get(kind, {})
    if "no_reply" in lost and not export.columns:
        return
    found, report = read_back(out)
    assert len(found) == len(sent) - lost.get("no_reply", 0), dict(report.refused)
    if not {"no_reply", "joined", "system_moved", "start_cut", "end_cut"} & lost.keys():
        told = (form.shapes[kind], name in CHATS)
        assert count_kept(kind, found, *told) == count_kept(kind, sent, *told)
