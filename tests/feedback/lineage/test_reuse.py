"""Which versions hold the same records, by tag, and what their adapters reached, counted by hand."""

import pytest

from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import dataset_dir
from feedback.errors import NotFound
from feedback.lineage.graph import Scope
from feedback.lineage.reuse import find_reuse
from feedback.store.engine import unit_of_work
from feedback.store.tables import Fit, Tag
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import NOW, add_adapter
from tests.feedback.desk import make_desk
from tests.feedback.formats.files import bring_in, choice, write

REPORT = {"n": 40, "adapter": {"log_loss": 1.1}, "base": {"log_loss": 1.3}}
CELL = {"rate": 0.75, "low": 0.4, "high": 0.9, "counted": 8, "tuned": 6, "base": 2, "halves": 0}


@pytest.fixture
def three(sqlite_engine, tmp_path):
    """Versions of four, six and two records: 3 `shop` and 1 `vip`, 2 `shop` more, `vip` and `other` alone."""
    clock = FrozenClock(START)

    def build(**selection):
        clock.advance(60)
        return build_dataset(
            sqlite_engine, data_dir=tmp_path, clock=clock, selection=Selection(**selection)
        ).id

    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", *map(choice, range(3)), choice(3, tags=["vip"])))
    first = build()
    bring_in(sqlite_engine, write(tmp_path / "b.jsonl", choice(4), choice(5)))
    second = build()
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", choice(6, tags=["other"])))
    third = build(tags=("vip", "other"))
    scope = Scope(sqlite_engine, tmp_path, "default")
    with unit_of_work(sqlite_engine) as session:
        add_adapter(session, "tuned-1", "refused", dataset_id=second, report=REPORT)
        add_adapter(session, "tuned-2", "live", dataset_id=second)
        fitted = {"counts": {"judged": [], "versions": []}, "fitted": {"breakdown": {"tags": {"vip": CELL}}}}
        session.add(Fit(desk_id="default", adapter="tuned-2", judgements=8, value=fitted, at=NOW))
    return scope, first, second, third


def test_versions_share_records_by_tag_and_tell_what_their_adapters_reached(three):
    scope, first, second, third = three
    found = find_reuse(scope, first)
    told = {version.id: (version.shared, version.records, version.by_tag) for version in found.versions}
    assert told == {
        third: (1, 2, {"vip": 1}),
        second: (4, 6, {"shop": 3, "vip": 1}),
        first: (4, 4, {"shop": 3, "vip": 1}),
    }
    assert [version.id for version in found.versions] == [third, second, first]
    newest, refused = found.versions[1].adapters
    assert (refused.name, refused.state, refused.held_out) == ("tuned-1", "refused", 40)
    assert (refused.log_loss, refused.base_log_loss, refused.support.rate) == (1.1, 1.3, None)
    assert (newest.name, newest.log_loss, newest.support_by_tag["vip"].rate) == ("tuned-2", None, 0.75)
    assert [(use.tag, use.versions, use.adapters) for use in found.tags] == [
        ("shop", 2, ["tuned-2", "tuned-1"]),
        ("vip", 3, ["tuned-2", "tuned-1"]),
    ]


def test_by_tag_strings_count_under_the_tags_that_they_mean_and_those_above(sqlite_engine, tmp_path):
    lines = [choice(1, tags=["pay:refund"]), choice(2, tags=["pay:late"]), choice(3, tags=["vip"])]
    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", *lines))
    built = build_dataset(sqlite_engine, data_dir=tmp_path, clock=FrozenClock(START))
    desk = make_desk(sqlite_engine, tmp_path)
    assert desk.post("/v1/tag-adoptions", "expert").status_code == 201
    with unit_of_work(sqlite_engine) as session:
        add_adapter(session, "tuned-1", "live", dataset_id=built.id)
        cells = {"pay": CELL, "pay/refund": CELL}
        fitted = {"counts": {"judged": [], "versions": []}, "fitted": {"breakdown": {"tags": cells}}}
        session.add(Fit(desk_id="default", adapter="tuned-1", judgements=8, value=fitted, at=NOW))
    found = find_reuse(Scope(sqlite_engine, tmp_path, "default"), built.id)
    assert [(use.tag, use.versions) for use in found.tags] == [
        ("pay", 1),
        ("pay/late", 1),
        ("pay/refund", 1),
        ("vip", 1),
    ]
    rates = found.results["tuned-1"].support_by_tag
    assert {use.tag: rates[use.tag].rate for use in found.tags if use.tag in rates} == {
        "pay": 0.75,
        "pay/refund": 0.75,
    }
    page = desk.get(f"/console/datasets/{built.id}", "expert").text
    tag_ids = {tag.name: tag.id for tag in desk.rows(Tag)}
    assert page.count(f"/console/tags/{tag_ids['refund']}") == 2  # by tag, and in the reuse of tags
    assert page.count(f"/console/tags/{tag_ids['pay']}") == 1
    assert "/console/sources/test" in page


def test_a_version_that_shares_nothing_or_was_erased_is_left_out(three):
    scope, first, second, third = three
    assert {version.id for version in find_reuse(scope, third).versions} == {first, second, third}
    for path in dataset_dir(scope.data_dir, second).iterdir():
        path.unlink()
    assert {version.id for version in find_reuse(scope, third).versions} == {first, third}
    with pytest.raises(DatasetMissing):
        find_reuse(scope, second)
    with pytest.raises(NotFound):
        find_reuse(scope, "0" * 64)
    with pytest.raises(NotFound):
        find_reuse(Scope(scope.store_engine, scope.data_dir, "other"), first)


def test_pages_show_splits_changes_card_and_results(three, sqlite_engine, tmp_path):
    scope, first, second, third = three
    desk = make_desk(sqlite_engine, tmp_path)
    page = desk.get(f"/console/datasets/{second}", "expert").text
    assert "tuned-2" in page and "75" in page and f"/v1/datasets/{second}/card" in page
    assert f"/console/datasets/{first}" in page and f"/console/datasets/{third}" in page
    changes = desk.get(f"/console/datasets/{second}/changes", "expert")
    assert changes.status_code == 200 and "test/talk5-1" in changes.text
    other = desk.get(f"/console/datasets/{third}/changes?since={first}", "expert").text
    assert "test/talk6-1" in other and "test/talk1-1" in other
    assert desk.get(f"/console/datasets/{first}/changes", "expert").status_code == 200
    assert desk.get(f"/console/datasets/{first}/changes?since=x", "expert").status_code == 404
    assert desk.get(f"/console/datasets/{first}/changes", "agent").status_code == 403
    told = desk.get(f"/v1/datasets/{first}/reuse", "expert").json
    assert [version["shared"] for version in told["versions"]] == [1, 4, 4]
    card = desk.get(f"/v1/datasets/{first}/card", "expert")
    assert card.mimetype == "text/markdown" and "| test | user | unknown | unknown | 4 |" in card.text
    for path in dataset_dir(scope.data_dir, second).iterdir():
        path.unlink()
    assert desk.get(f"/console/datasets/{second}", "expert").status_code == 200
    gone = desk.get(f"/console/datasets/{third}/changes", "expert").text
    assert "The files of one of the two are gone" in gone
    for call in ("card", "reuse"):
        assert desk.get(f"/v1/datasets/{second}/{call}", "expert").status_code == 404
