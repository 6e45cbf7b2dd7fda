"""A dataset out of the service: the same bytes plain, packed and zipped, and the libraries that read them."""

import gzip
import io
import json
import zipfile

import pytest

from feedback.datasets.build import build_dataset
from feedback.exports.files import Export, write_pieces
from feedback.exports.forms import EXPORT_FORMS, find_form_named
from feedback.exports.records import open_for_export
from feedback.formats.errors import DatasetFilesMissing, FormatUnknown, KindNotHeld, NothingToExport
from tests.feedback.formats.files import CLOCK, bring_in, choice, thumb, write


@pytest.fixture
def built(sqlite_engine, tmp_path):
    """Forty choices in forty conversations, one with reasons and an edited text; eight thumbs, one with a
    comment.
    """
    data = tmp_path / "data"
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *(choice(number) for number in range(40))))
    edited = choice(
        50,
        edited="It leaves today, and I am sorry that it took so long.",
        source="edits",
        reasons=["tone"],
        dwell_ms=4_000,
    )
    bring_in(sqlite_engine, write(tmp_path / "e.jsonl", edited))
    thumbs = [thumb(number, number % 2 == 0, text=f"Reply {number}.") for number in range(8)]
    thumbs.append(
        thumb(9, prompt=[{"role": "user", "content": "And my bill?"}], comment="=quick", reasons=["fast"])
    )
    bring_in(sqlite_engine, write(tmp_path / "t.jsonl", *thumbs), "thumbs")
    return data, build_dataset(sqlite_engine, data_dir=data, clock=CLOCK)


def export_of(data, dataset_id, format="own", kind=None, **options):
    made = Export(open_for_export(data, dataset_id, left_out={}, **options), find_form_named(format))
    made.survey(kind)
    return made


def read_lines(export, kind):
    return [json.loads(line) for line in b"".join(export.iterate(kind)).splitlines()]


@pytest.mark.parametrize("kind", ["choices", "pairs", "thumbs"])
def test_own_lines_are_those_of_the_dataset_plain_and_packed(built, tmp_path, kind):
    data, info = built
    plain, packed = tmp_path / "out" / "x.jsonl", tmp_path / "x.jsonl.gz"
    export = export_of(data, info.id, kind=kind)
    size = write_pieces(plain, export.iterate(kind))
    write_pieces(packed, export.iterate(kind))
    of_dataset = (info.path / f"{kind}.jsonl").read_bytes()
    assert plain.read_bytes() == gzip.decompress(packed.read_bytes()) == of_dataset
    assert (size, export.report.lost) == (len(of_dataset), {})
    assert export.report.lines == {f"{kind}.jsonl": info.counts[kind]["all"]}
    first = packed.read_bytes()
    write_pieces(packed, export.iterate(kind))
    assert packed.read_bytes() == first


def test_exported_records_come_in_again_as_they_are(built, sqlite_engine, tmp_path):
    data, info = built
    for kind in ("choices", "pairs", "thumbs"):
        out = tmp_path / f"{kind}.jsonl"
        write_pieces(out, export_of(data, info.id, kind=kind).iterate(kind))
        report = bring_in(sqlite_engine, out, kind, source="again")
        assert (report.accepted, dict(report.refused)) == (info.counts[kind]["all"], {})


def test_what_cannot_be_exported_is_named(built):
    data, info = built
    with pytest.raises(FormatUnknown, match="cannot export as 'xls'"):
        find_form_named("xls")
    for wrong in ("0" * 64, "../secret.key", ""):
        with pytest.raises(DatasetFilesMissing, match="has no files at"):
            export_of(data, wrong)
    with pytest.raises(KindNotHeld, match="'openai' has no place for thumbs: it holds pairs, conversations"):
        export_of(data, info.id, "openai", "thumbs")


def test_a_form_without_a_record_to_hold_says_so(sqlite_engine, tmp_path):
    bring_in(sqlite_engine, write(tmp_path / "t.jsonl", thumb()), "thumbs")
    info = build_dataset(sqlite_engine, data_dir=tmp_path, clock=CLOCK)
    with pytest.raises(NothingToExport, match="no record that the format 'openai' has a place for"):
        export_of(tmp_path, info.id, "openai")


def test_a_failed_export_leaves_the_old_file(built, tmp_path):
    out = tmp_path / "pairs.jsonl"
    out.write_text("old")

    def break_off():
        yield b"new"
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        write_pieces(out, break_off())
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if "pairs" in path.name] == ["pairs.jsonl"]


def test_pairs_say_why_and_what_is_lost_is_counted(built):
    """The edited choice gives three pairs: the edited text over what was picked, and that over two others."""
    data, info = built
    export = export_of(data, info.id, "trl")
    pairs = read_lines(export, "pairs")
    told = [pair for pair in pairs if pair["reasons"]]
    assert {tuple(pair["reasons"]) for pair in told} == {("tone",)}
    assert {pair["id"].partition("/")[0] for pair in told} == {"talk50-1"} and len(told) == 3
    assert {pair["annotator"] for pair in pairs if pair["kind"] == "pick"} == {f"agent{n}" for n in range(10)}
    assert dict(export.report.lost["choices"]) == {"dwell_ms": 1}
    assert [thumb["comment"] for thumb in read_lines(export, "thumbs") if thumb["comment"]] == ["=quick"]
    assert list(export.report.tell_losses()) == ["1 choices: dwell_ms is not held"]


def test_openai_names_what_it_has_no_place_for(built):
    data, info = built
    export = export_of(data, info.id, "openai")
    assert set(read_lines(export, "pairs")[0]) == {"input", "preferred_output", "non_preferred_output"}
    lost, counts = export.report.lost, info.counts
    assert lost["thumbs"] == {"whole": counts["thumbs"]["all"]}
    assert lost["choices"]["reasons"] == 1 and lost["choices"]["dwell_ms"] == 1
    assert lost["pairs"]["weight"] == lost["pairs"]["split"] == counts["pairs"]["all"]
    assert "prompt" not in lost["pairs"] and "candidates" not in lost["choices"]


def test_one_split_alone(built):
    data, info = built
    export = export_of(data, info.id, "sharegpt", split="validation")
    counts = {kind: info.counts[kind]["validation"] for kind in ("pairs", "thumbs")}
    assert export.report.lines == {f"{kind}.jsonl": count for kind, count in counts.items() if count}
    assert {line["split"] for line in read_lines(export, "pairs")} == {"validation"}


def test_records_of_a_withdrawn_source_stay_behind_and_are_counted(built):
    data, info = built
    reasons = {"edits": "source_withdrawn", "test": "source_paused"}
    records = open_for_export(data, info.id, left_out=reasons)
    export = Export(records, find_form_named("own"))
    export.survey()
    assert export.report.lines["choices.jsonl"] == 40  # a paused source stays in a dataset that has it
    assert export.report.left_out == {"source_withdrawn": 1 + 3}  # the choice and its pairs


def test_a_zip_file_has_the_files_of_the_folder(built, tmp_path):
    data, info = built
    for format in EXPORT_FORMS:
        export = export_of(data, info.id, format)
        export.write_folder(tmp_path / format)
        files = {path.name: path.read_bytes() for path in (tmp_path / format).iterdir()}
        with zipfile.ZipFile(io.BytesIO(b"".join(export.iterate_zip()))) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == files
        report = json.loads(files["rejoinder_export.json"])
        assert report["format"] == format and report["lines"].keys() <= files.keys()
        assert ("dataset_info.json" in files) is (format == "llamafactory")


def test_pairs_have_the_conversational_form_of_trl(built):
    data, info = built
    pairs = read_lines(export_of(data, info.id, kind="pairs"), "pairs")
    for pair in pairs:
        assert pair["prompt"][-1]["role"] == "user"
        assert pair["chosen"][0]["role"] == pair["rejected"][0]["role"] == "assistant"
        assert pair["weight"] > 0
    assert {pair["kind"] for pair in pairs} == {"pick", "edit", "thumbs"}
