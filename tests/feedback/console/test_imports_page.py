"""The list of imports: from which sources each brought records."""

from tests.feedback.desk import make_desk
from tests.feedback.formats.files import bring_in, choice, write


def test_the_list_of_imports_leads_to_the_sources_that_a_file_named_itself(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path)
    lines = [choice(number, source=f"shop {number}") for number in range(5)]
    bring_in(store_engine, write(tmp_path / "lines.jsonl", *lines))
    page = desk.get("/console/imports", "expert").text
    for number in range(3):
        assert f'<a href="/console/sources/shop%20{number}">shop {number}</a>' in page
    assert "/console/sources/shop%203" not in page and "and 2 more" in page
