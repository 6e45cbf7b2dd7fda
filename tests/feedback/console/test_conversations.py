"""The list of conversations that every count leads to, one conversation, and both files of the rows."""

import csv
import json
import re
from html import unescape
from io import StringIO

import pytest

from feedback.console.row_files import write_csv
from feedback.experiments.fits import renew_fits
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.store.engine import unit_of_work
from feedback.store.row_facts import ConversationRow
from feedback.store.tables import Conversation, Turn
from tests.databases import START
from tests.feedback.builders import add_adapter, add_conversation, add_message
from tests.feedback.desk import put_set
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.experiments.test_versions import NEW, OLD, open_versions
from tests.feedback.run_report.runs import add_ended_run

ADAPTER = "tuned-20261122-1"
LIST = "/console/conversations"


def open_page(desk, path, role="expert", language="en", status=200):
    headers = {
        "Authorization": f"Bearer {desk.tokens[role]}",
        "Accept-Language": language,
        "Accept": "text/html",
    }
    answer = desk.app.test_client().get(path, headers=headers)
    assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
    return answer.text


def count_of(page):
    """As the page says it; none where it is empty."""
    found = re.search(r'data-part="count">([\d,]+) row', page)
    return int(found[1].replace(",", "")) if found else 0


def words_of(page):
    return [unescape(words) for words in re.findall(r'href="/console/conversations/[^"]+">(.*?)</a>', page)]


def search(desk, query=""):
    return words_of(open_page(desk, f"{LIST}?{query}"))


def ready(desk, text, **fields):
    """A conversation that begins so, and what an agent sees of its set."""
    opened = desk.open(text, **fields)
    put_set(desk.engine, opened["turn_id"], messages=[{"role": "user", "content": text}])
    return opened, desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json


def add_questions(desk, count):
    """All in one moment, so that ids alone tell them apart."""
    with unit_of_work(desk.engine) as session:
        for number in range(count):
            add_message(session, add_conversation(session).id, 0, "customer", f"Question {number}")


def thumb(desk, opened, message_id, value):
    answer = desk.post(f"/v1/messages/{message_id}/thumbs", opened["visitor_token"], value=value)
    assert answer.status_code == 201, answer.text


@pytest.fixture
def busy_desk(desk):
    """A day with one of everything: slots 0 and 2 are of base, 1 and 3 of the adapter."""
    with unit_of_work(desk.engine) as session:
        add_adapter(session, OLD, "live")
        add_adapter(session, NEW, "canary")
        add_adapter(session, ADAPTER, "live")
    sent = []
    for number, (index, role, language) in enumerate(
        [(1, "agent", "en"), (3, "ben", "en"), (1, "agent", "zh-CN"), (0, "ben", "zh-CN")]
    ):
        opened, shown = ready(
            desk, f"Where is parcel {number}?", language=language, tags=["vip"][: number % 2]
        )
        sent.append((opened, desk.pick(shown, index, role).json))
    _, shown = ready(desk, "A refund, please.\nIt is broken.")
    cards = [card["candidate_id"] for card in shown["candidates"]]
    assert desk.judge(shown, "tie", candidate_id=cards[0], candidate_ids=cards[:2]).status_code == 201
    _, shown = ready(desk, "退款什么时候到账？", language="zh-CN")
    card = shown["candidates"][1]["candidate_id"]
    answer = desk.judge(shown, "edit", candidate_id=card, text="Tuned one. 放心")
    assert answer.status_code == 201, answer.text
    _, shown = ready(desk, "My words are rare.")
    desk.judge(shown, "none")
    desk.judge(shown, "own", text="We write it ourselves.")
    _, shown = ready(desk, "This one is skipped.")
    desk.judge(shown, "skip")
    opened, shown = ready(desk, "This one is taken back.")
    judged = desk.pick(shown, 1).json
    desk.post(f"/v1/judgements/{judged['judgement_id']}/undo", "agent")
    for index in (3, 1, 0):
        desk.pick(open_versions(desk), index)
    desk.clock.advance(60)
    for (opened, judged), value in zip(sent[:3], (1, -1, 0), strict=True):
        thumb(desk, opened, judged["message_id"], value)
        desk.clock.advance(1)
    thumb(desk, sent[0][0], sent[0][1]["message_id"], -1)  # changed their mind: the last one counts
    for text, reason in (("Buy pills", "spam"), ("Thank you!", "no_reply"), ("Thanks again", "no_reply")):
        opened = desk.open(text)
        answer = desk.post("/v1/turns/close", "agent", turn_ids=[opened["turn_id"]], reason=reason)
        assert answer.status_code == 200, answer.text
    give_prompts(desk)
    renew_fits(desk.engine, policy=RolloutPolicy(), clock=desk.clock)
    return desk


def read_counts(page):
    """Every number on the page that leads to rows, with the address."""
    found = re.findall(r'<a href="(/console/conversations\?[^"]*)">(\d+)[^<]*</a>', page)
    return [(unescape(address), int(number)) for address, number in found]


COUNTING = {  # each page, and how many counts it has at least
    "/console": 13,
    "/console/funnel": 10,
    "/console/funnel?days=1&language=zh": 4,
    "/console/trends": 11,
    "/console/adapters": 1,
    f"/console/adapters/{ADAPTER}": 12,
    f"/console/adapters/{NEW}": 3,
}


def test_every_count_is_the_number_of_rows_behind_its_link(busy_desk):
    run = add_ended_run(busy_desk.engine, "skipped", started_at=busy_desk.clock.now())
    for path, least in (COUNTING | {f"/console/runs/{run}/report": 15}).items():
        counts = read_counts(open_page(busy_desk, path))
        assert len(counts) >= least, path
        behind = [(address, count_of(open_page(busy_desk, address))) for address, _ in counts]
        assert behind == counts, path


def test_counts_are_those_that_were_worked_out_by_hand(busy_desk):
    """Picks that count: three of the adapter and its edit, one of base, a tie across both."""

    def count(query):
        return count_of(open_page(busy_desk, f"{LIST}?{query}"))

    assert count("") == 15
    assert [count(f"verdict={name}&version={ADAPTER}") for name in ("tuned", "base", "both")] == [4, 1, 1]
    assert [count(f"verdict={name}") for name in ("pick", "edit", "tie", "own", "none", "skip")] == [
        8, 1, 1, 1, 1, 1,
    ]  # fmt: skip
    assert [count(f"verdict={name}") for name in ("up", "down", "taken_back")] == [0, 2, 1]
    assert [count(f"verdict={name}") for name in ("spam", "no_reply")] == [1, 2]
    # 15 conversations; a reply to each of 4 parcels, the tie, the edit, the own text, 3 pairs of versions,
    # and one that was taken back. Sets: those, less the one that is open again, and the skipped one.
    assert [count(f"messages={name}") for name in ("customer", "agent")] == [15, 11]
    assert [count(f"sets={name}") for name in ("judged", "ready", "failed")] == [10, 2, 0]
    assert [count(f"slot={place}") for place in range(4)] == [2, 3, 0, 2]
    assert search(busy_desk, "messages=customer&q=refund") == ["A refund, please."]
    assert search(busy_desk, "messages=agent&q=ourselves") == ["We write it ourselves."]
    assert sorted(search(busy_desk, "sets=ready")) == ["This one is skipped.", "This one is taken back."]
    assert [count(f"state={name}") for name in ("waiting", "closed", "erased")] == [2, 3, 0]
    assert count("verdict=down&arm=tuned") == 2
    assert count(f"verdict=pick&agent={busy_desk.users['ben']}") == 2
    assert count("tag=vip") == 2 and count("tag=vi") == 0
    assert count("language=zh") == 3
    assert count("since=2026-11-22&until=2026-11-22") == 15 and count("until=2026-11-21") == 0
    # Every word has to occur, in either case, and within a Chinese text.
    assert search(busy_desk, "q=REFUND+broken") == ["A refund, please."]
    assert search(busy_desk, "q=refund+parcel") == []
    assert search(busy_desk, "q=到账") == ["退款什么时候到账？"]
    assert search(busy_desk, "q=放心") == ["退款什么时候到账？"]  # in the reply
    assert search(busy_desk, "q=100%25") == [] and search(busy_desk, "q=_") == []
    assert search(busy_desk, "q=parcel&verdict=base") == ["Where is parcel 3?"]


@pytest.mark.parametrize("state", ["preparing", "ready", "judged", "failed", "superseded", "bypassed"])
def test_the_state_of_sets_is_named_in_the_reader_s_language(sqlite_desk, state):
    page = open_page(sqlite_desk, f"{LIST}?sets={state}", language="zh")
    (named,) = re.findall(r'<span class="mark on">建议组：(.*?)</span>', page)
    assert named and state not in named and not named.isascii()


def test_words_of_other_scripts_are_found_in_either_case(desk):
    desk.open("ÜBER das Paket: где посылка?")
    for word in ("über", "Über", "ПОСЫЛКА", "Где"):
        assert len(search(desk, f"q={word}")) == 1, word


def test_pages_follow_each_other_and_neither_repeat_nor_leave_out(desk):
    add_questions(desk, 120)
    path, seen = LIST, []
    while path:
        page = open_page(desk, path)
        assert count_of(page) == 120
        seen.append(words_of(page))
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(older[1]) if older else None
    assert [len(words) for words in seen] == [50, 50, 20]
    assert sorted(word for words in seen for word in words) == sorted(f"Question {n}" for n in range(120))


def test_a_count_is_bounded(desk, monkeypatch):
    monkeypatch.setattr("feedback.console.conversations.COUNTED_AT_MOST", 60)
    add_questions(desk, 61)
    assert "More than 60 rows." in open_page(desk, LIST)


MEANINGLESS = [
    ("verdict=best", "verdict", "best"),
    ("state=open", "state", "open"),
    ("language=chinese language", "language", "chinese language"),
    ("since=yesterday", "since", "yesterday"),
    ("since=2026-11-22T10:00:00", "since", "2026-11-22T10:00:00"),  # of which zone?
    ("until=2026-13-01", "until", "2026-13-01"),
    ("after=1", "after", "1"),
    ("since=0001-01-01T00:00:00%2B14:00", "since", "0001-01-01T00:00:00+14:00"),
    ("until=9999-12-31T23:59:59-10:00", "until", "9999-12-31T23:59:59-10:00"),
    ("after=0001-01-01T00:00:00%2B14:00~a", "after", "0001-01-01T00:00:00+14:00~a"),
    ("colour=red", "colour", "red"),
]


def test_a_value_that_means_nothing_is_named(sqlite_desk):
    for query, name, value in MEANINGLESS:
        page = open_page(sqlite_desk, f"{LIST}?{query}", status=422)
        assert "A filter in the address is not understood." in page and value in unescape(page)
        answer = sqlite_desk.get(f"{LIST}.jsonl?{query}", "expert")
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "query_invalid")
        assert f"{name}={value!r}" in answer.json["error"]["message"]


def test_an_empty_page_says_what_to_do(sqlite_desk):
    assert "A conversation begins when a customer writes" in open_page(sqlite_desk, LIST)
    assert "Leave a word or a filter out" in open_page(sqlite_desk, f"{LIST}?q=nothing")
    assert "没有符合条件的记录" in open_page(sqlite_desk, f"{LIST}?q=nothing", language="zh")


def test_agents_and_apps_see_none_of_it(sqlite_desk):
    opened = sqlite_desk.open()
    for path in ("", ".csv", ".jsonl", f"/{opened['conversation_id']}"):
        for role in ("agent", "app"):
            assert sqlite_desk.get(f"{LIST}{path}", role).status_code == 403
    assert sqlite_desk.get(f"{LIST}/nobody", "expert").status_code == 404


# Asked in every way that could tell whose a card is.
ARM_QUERIES = [
    *(f"verdict={name}" for name in ("counted", "base", "tuned", "both", "won", "lost")),
    *(f"arm={name}" for name in ("base", "tuned", "both")),
    f"version={ADAPTER}",
    f"version={ADAPTER}&reason=other_design",
    f"version={ADAPTER}&reason=unequal_texts",
    f"version={ADAPTER}&verdict=none",
    f"version={ADAPTER}&verdict=skip",
]


def judge_nothing(desk, shown):
    return None


def say_none(desk, shown):
    desk.judge(shown, "none")


def pick_and_hold(desk, shown):
    desk.pick(shown, 1)


def pick_and_take_back(desk, shown):
    judged = desk.pick(shown, 1).json
    assert desk.post(f"/v1/judgements/{judged['judgement_id']}/undo", "agent").status_code == 201


@pytest.mark.parametrize("act", [judge_nothing, say_none, pick_and_hold, pick_and_take_back])
def test_the_arms_of_a_set_that_may_be_open_never_show(desk, act):
    """Nor does any selection tell them: a reply that is held back can open its set again."""
    opened, shown = ready(desk, "Whose is it?")
    act(desk, shown)
    read = f"{LIST}/{opened['conversation_id']}"
    for path in (LIST, f"{LIST}?verdict=judged", read, f"{LIST}.csv", f"{LIST}.jsonl?verdict=judged"):
        told = open_page(desk, path)
        assert (
            ADAPTER not in told
            and "of the base" not in told
            and "tuned" not in told.replace('value="tuned"', "")
        ), path
    assert {query: search(desk, query) for query in ARM_QUERIES} == {query: [] for query in ARM_QUERIES}


def test_arms_are_told_once_the_reply_is_out(desk):
    opened, shown = ready(desk, "Whose is it?")
    desk.pick(shown, 1)
    desk.clock.advance(60)
    assert search(desk, "verdict=tuned") == ["Whose is it?"] and search(desk, "verdict=base") == []
    page = open_page(desk, f"{LIST}/{opened['conversation_id']}")
    cards = re.findall(r'data-card="(\d)".*?<span class="row">(.*?)</span></header>', page, re.DOTALL)
    marks = [(slot, re.findall(r'<span class="mark[^"]*">(.*?)</span>', found)) for slot, found in cards]
    assert marks == [
        ("0", ["of the base"]),
        ("1", ["was picked", ADAPTER]),
        ("2", ["of the base"]),
        ("3", [ADAPTER]),
    ]
    assert f"ann: sent as suggested · {ADAPTER}" in page


def test_what_was_erased_is_found_and_shown_nowhere(busy_desk):
    (turn,) = [row for row in busy_desk.rows(Turn) if row.closed_as == "spam"]
    busy_desk.post(f"/v1/conversations/{turn.conversation_id}/erasure")
    assert busy_desk.row(Conversation, id=turn.conversation_id).erased_at is not None
    assert search(busy_desk, "q=pills") == []
    assert search(busy_desk, "state=erased") == ["erased"]
    for path in (f"{LIST}/{turn.conversation_id}", f"{LIST}.csv", f"{LIST}.jsonl"):
        assert "pills" not in open_page(busy_desk, path)


def test_the_files_have_the_rows_of_the_page(busy_desk, monkeypatch):
    monkeypatch.setattr("feedback.console.conversations.READ_AT_ONCE", 3)
    for query in ("", "verdict=pick", "verdict=no_reply", "verdict=down", "q=parcel&state=answered"):
        shown = search(busy_desk, query)
        lines = [json.loads(line) for line in open_page(busy_desk, f"{LIST}.jsonl?{query}").splitlines()]
        assert [line["words"].partition("\n")[0] for line in lines] == shown
        table = open_page(busy_desk, f"{LIST}.csv?{query}")
        assert table.startswith("\ufeff")
        rows = list(csv.DictReader(StringIO(table.removeprefix("\ufeff"), newline="")))
        assert [row["words"] for row in rows] == [line["words"] for line in lines]
        assert [row["at"] for row in rows] == [line["at"] for line in lines]
    row = next(row for row in lines if row["words"] == "Where is parcel 1?")
    assert row | {"conversation": ""} == {
        "at": "2026-11-22T09:00:00+00:00",
        "conversation": "",
        "language": "en",
        "state": "answered",
        "verdict": "pick",
        "taken_back": False,
        "winner": "tuned",
        "version": ADAPTER,
        "words": "Where is parcel 1?",
    }


@pytest.mark.parametrize(
    ("words", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86 138", "'+86 138"),
        ("-5 degrees", "'-5 degrees"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("＋86 138", "'＋86 138"),
        ("－5 度", "'－5 度"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("\tx", "'\tx"),
        ("\nx", '"\'\nx"'),
        ("\rx", '"\'\rx"'),
        ('He said "no", twice', '"He said ""no"", twice"'),
        ("one\ntwo", '"one\ntwo"'),
        ('=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'),
        ("1=1", "1=1"),
        ("退款，谢谢", "退款，谢谢"),
    ],
)
def test_a_cell_is_no_formula_and_keeps_its_quotes_and_lines(words, cell):
    row = ConversationRow((START, "c1"), "c1", words, "en", "waiting", None)
    assert list(write_csv([row])) == [
        "\ufeffat,conversation,language,state,verdict,taken_back,winner,version,words\r\n",
        f"2026-11-22T09:00:00+00:00,c1,en,waiting,,,,,{cell}\r\n",
    ]
