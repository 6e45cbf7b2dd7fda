"""Ten replies of base and adapter to the same prompts: on a run's pages and on a closed duel's."""

import json
import re
from hashlib import sha256
from html import unescape

from sqlmodel import select

from feedback.run_report.replies import FILE, read_side_by_side, write_side_by_side
from feedback.store.engine import unit_of_work
from feedback.store.erasures import mark_datasets
from feedback.store.tables import Conversation, Dataset, Item
from tests.databases import START
from tests.feedback.duels.duel_desk import put_duel
from tests.feedback.run_report.runs import add_ended_run


def read_sides(page):
    """(asked, left, right) of each prompt."""
    panel = page.partition('data-part="sides"')[2].partition("</section>")[0]
    found = re.findall(r"<summary[^>]*>(.*?)</summary>(.*?)</details>", panel, re.DOTALL)
    texts = [
        (asked, *re.findall(r'<p class="reply-text"[^>]*>(.*?)</p>', pair, re.DOTALL))
        for asked, pair in found
    ]
    return [tuple(unescape(text) for text in row) for row in texts]


def open_page(desk, path):
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept": "text/html"}
    answer = desk.app.test_client().get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def ask(number):
    return [{"role": "user", "content": f"Question {number}?"}]


def test_the_ten_are_the_first_by_a_hash_of_the_prompt(tmp_path):
    drawn = [(ask(number), f"base {number}", f"tuned {number}") for number in range(30)]
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    write_side_by_side(folder, reversed(drawn))
    hashed = sorted(
        range(30), key=lambda number: sha256(json.dumps(ask(number), sort_keys=True).encode()).hexdigest()
    )
    assert [row.asked for row in read_side_by_side(tmp_path, "r1")] == [
        f"Question {number}?" for number in hashed[:10]
    ]
    assert all(row.right == row.left.replace("base", "tuned") for row in read_side_by_side(tmp_path, "r1"))
    assert read_side_by_side(tmp_path, "another") == []


def test_a_reply_keeps_every_kind_of_line_end(tmp_path):
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    reply = "one\ntwo\r\nthree\u2028four\u2029five\x85six\x1cseven"
    write_side_by_side(folder, [(ask(1), reply, "")])
    assert [(row.left, row.right) for row in read_side_by_side(tmp_path, "r1")] == [(reply, "")]


def test_a_runs_pages_show_both_replies(sqlite_desk, tmp_path):
    run = add_ended_run(sqlite_desk.engine, "published")
    for path in (f"/console/runs/{run}", f"/console/runs/{run}/report"):
        assert read_sides(open_page(sqlite_desk, path)) == []
    folder = tmp_path / "runs" / run
    folder.mkdir(parents=True)
    write_side_by_side(folder, [(ask(1), "We <b>do</b>.", "We\ndo not.")])
    for path in (f"/console/runs/{run}", f"/console/runs/{run}/report"):
        assert read_sides(open_page(sqlite_desk, path)) == [("Question 1?", "We <b>do</b>.", "We\ndo not.")]
    assert (folder / FILE).stat().st_mode & 0o077 == 0
    with unit_of_work(sqlite_desk.engine) as session:  # as while another run is at work on the dataset
        mark_datasets(session, dataset_ids=session.exec(select(Dataset.id)).all(), now=START)
    for path in (f"/console/runs/{run}", f"/console/runs/{run}/report"):
        assert read_sides(open_page(sqlite_desk, path)) == []


def test_a_closed_duel_shows_its_first_ten_and_an_open_one_none(desk, tmp_path):
    duel, conversations = put_duel(desk.engine, tmp_path, states="r" * 11 + "e", adapter_on="ab" * 6)
    assert read_sides(open_page(desk, f"/console/duels/{duel}")) == []
    with unit_of_work(desk.engine) as session:
        for row in session.exec(select(Item)):
            asked = f"Question {row.position}? Write to ann@shop.example"
            own, other = f"tuned {row.position}", f"base {row.position}: dear Annabel"
            a, b = (own, other) if row.hidden["a_adapter"] else (other, own)
            row.shown = {"messages": [{"role": "user", "content": asked}], "a": a, "b": b}
        for conversation in session.exec(select(Conversation)):
            conversation.customer_details = ["Annabel"]
    assert desk.post(f"/v1/duels/{duel}/close", "expert").status_code == 200
    page = open_page(desk, f"/console/duels/{duel}")
    sides = read_sides(page)
    prompts = {
        number: [{"content": f"Question {number}? Write to ann@shop.example", "role": "user"}]
        for number in range(1, 12)
    }
    hashed = sorted(
        prompts, key=lambda number: sha256(json.dumps(prompts[number], sort_keys=True).encode()).hexdigest()
    )
    assert [re.findall(r"\d+", asked)[0] for asked, _, _ in sides] == [str(number) for number in hashed[:10]]
    assert all(left.startswith("base") and right.startswith("tuned") for _, left, right in sides)
    assert "ann@shop.example" not in page and "Annabel" not in page
    erased = next(row.conversation_id for row in desk.rows(Item) if row.position == hashed[0])
    assert erased in conversations
    assert desk.post(f"/v1/conversations/{erased}/erasure").status_code == 201
    left = read_sides(open_page(desk, f"/console/duels/{duel}"))
    assert [re.findall(r"\d+", asked)[0] for asked, _, _ in left] == [str(number) for number in hashed[1:11]]
