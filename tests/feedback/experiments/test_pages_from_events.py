"""Every figure of an adapter's page and of a night's counts equals the one recounted from the event log.

`recount.py` reads the bare rows with SQL of its own and shares no code with the service.
"""

from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from feedback.experiments.fits import renew_fits
from feedback.experiments.rollout_rule import RolloutPolicy
from tests.feedback.desk import make_desk
from tests.feedback.experiments.log import ADAPTER, write_log
from tests.feedback.experiments.recount import export, recount_account, recount_night
from tests.feedback.run_report.runs import add_ended_run

CLOSE = {"rel": 1e-5, "abs": 1e-6}
FITTED = {"rel": 2e-3, "abs": 2e-4}  # two optimisers, each stopping where it stops


class Tables(HTMLParser):
    """The cells of each marked table by its name, and what each `dt` says of its `dd`."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.facts, self._table, self._cell, self._term = {}, {}, None, None, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "table":
            self._table = given.get("data-part") or given.get("data-breakdown")
        elif tag == "tr" and self._table:
            self.rows.setdefault(self._table, []).append([])
        if tag in ("td", "th", "dt", "dd"):
            self._cell = ""

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._table and self.rows.get(self._table):
            self.rows[self._table][-1].append(" ".join(self._cell.split()))
        elif tag == "dt":
            self._term = " ".join(self._cell.split())
        elif tag == "dd":
            self.facts.setdefault(self._term, " ".join(self._cell.split()))
        elif tag == "table":
            self._table = None
        if tag in ("td", "th", "dt", "dd"):
            self._cell = None


def percent(share):
    return f"{100 * share:.1f} %"


@pytest.fixture
def filled(store_engine, tmp_path):
    """A desk with the log, the run before the last and the last one; what was recounted; the window."""
    desk = make_desk(store_engine, tmp_path)
    end = write_log(store_engine, seed=5, sets=640)
    middle = end - timedelta(hours=6)
    add_ended_run(store_engine, "skipped", state="done", reasons=[], started_at=middle)
    desk.run_id = add_ended_run(store_engine, "published", started_at=end)
    renew_fits(store_engine, policy=RolloutPolicy(), clock=desk.clock)
    rows = export(store_engine)
    return desk, rows, [at.strftime("%Y-%m-%d %H:%M:%S.%f") for at in (middle, end)]


def read_page(desk, path):
    answer = desk.get(path, "expert")
    assert answer.status_code == 200, answer.text
    return answer


def test_every_figure_is_the_one_recounted_from_the_event_log(filled):
    desk, rows, window = filled
    account, night = recount_account(rows, ADAPTER), recount_night(rows, *window)
    check_log(rows, account, night)
    check_account(desk, account)
    check_adapter_page(desk, account)
    check_night(desk, account, *night)


def check_log(rows, counts, night):
    """It holds every kind of judgement; else the comparison would prove less than it says."""
    assert min(counts["apart"][name] for name in ("own", "none", "skip", "undone", "unblinded")) >= 5
    assert {"unequal_texts", "reply_unavailable", "two_versions"} <= set(counts["left_out"])
    assert counts["repeated"] > 5 and counts["halves"] > 20 and counts["tuned"] > counts["base"] > 80
    assert set(counts["cells"]["experience"]) == {"0-49", "50-199", "200+"}
    assert {"unknown", "ann"} <= set(counts["cells"]["agents"])
    kinds = Counter(row["kind"] for row in rows["judgement"])
    assert set(kinds) == {"pick", "edit", "own", "tie", "none", "skip", "undo"} and kinds["undo"] > 20
    _, funnel = night
    assert set(funnel["choice_kinds"]) == {"pick", "edit", "own", "tie"}
    assert {"undone", "unblinded", "tie_of_all", "none", "skip"} <= set(funnel["reasons"])


def check_account(desk, expected):
    found = read_page(desk, f"/v1/adapters/{ADAPTER}/support").json
    support = found["support"]

    counted = ("tuned", "base", "halves", "judgements", "repeated")
    assert [support[name] for name in counted] == [expected[name] for name in counted]
    assert support["left_out"] == dict(expected["left_out"])
    judgements = expected["judgements"]
    assert support["shares"] == {
        name: pytest.approx(expected["apart"][name] / judgements) for name in support["shares"]
    }
    assert set(support["shares"]) >= set(expected["apart"])
    assert (support["rate"], support["low"], support["high"]) == pytest.approx(
        (expected["rate"], *expected["interval"]), **CLOSE
    )
    assert (support["e_better"], support["e_harm"]) == pytest.approx(
        (expected["e_better"], expected["e_harm"]), **CLOSE
    )
    assert (found["share"], found["share_low"]) == pytest.approx(
        (expected["share"], expected["share_low"]), **CLOSE
    )
    assert found["agents"] == expected["agents"] == 6
    assert found["length_difference"] == pytest.approx(expected["length_difference"], **CLOSE)

    adjusted = expected["adjusted"]
    assert found["adjusted"]["picks"] == expected["tuned"] + expected["base"]
    assert (found["adjusted"]["share"], found["adjusted"]["low"]) == pytest.approx(
        (adjusted["share"], adjusted["low"]), **FITTED
    )
    weights = {
        name: (each["value"], each["error"]) for name, each in found["adjusted"]["coefficients"].items()
    }
    assert set(weights) == set(adjusted["coefficients"])
    for name, pair in adjusted["coefficients"].items():
        assert weights[name] == pytest.approx(pair, **FITTED), name

    without = [(row["agent"], row["picks"], row["share"], row["rest"]) for row in found["without_agent"]]
    assert [row[:2] for row in without] == [row[:2] for row in expected["without"]]
    assert [row[2:] for row in without] == [pytest.approx(row[2:]) for row in expected["without"]]
    assert {
        way: {name: (cell["tuned"], cell["base"], cell["halves"]) for name, cell in cells.items()}
        for way, cells in found["breakdown"].items()
    } == expected["cells"]


def check_adapter_page(desk, expected):
    shown = Tables(read_page(desk, f"/console/adapters/{ADAPTER}").text).rows
    summary = [row[1:] for row in shown["account"][1:]]
    adjusted = expected["adjusted"]
    assert summary[:2] == [
        [percent(expected["share"]), percent(expected["share_low"])],
        [percent(adjusted["share"]), percent(adjusted["low"])],
    ]
    assert [row[0] for row in summary[2:]] == [
        f"{expected['e_better']:.4g}",
        f"{expected['e_harm']:.4g}",
        str(expected["agents"]),
        f"{expected['length_difference']:+.2f}",
    ]
    assert shown["without"][1:] == [
        [agent, str(picks), percent(own), percent(rest)] for agent, picks, own, rest in expected["without"]
    ]
    for way, cells in expected["cells"].items():
        rows_shown = {row[0]: tuple(row[1:5]) for row in shown[way][1:]}
        assert rows_shown == {
            name: (*map(str, cell), percent((cell[0] + cell[2] / 2) / sum(cell)))
            for name, cell in cells.items()
        }, way
    weights = [row[1:] for row in shown["coefficients"][1:]]
    for (weight, error), pair in zip(weights, adjusted["coefficients"].values(), strict=True):
        assert (float(weight), float(error)) == pytest.approx(pair, abs=1.1e-3)


def check_night(desk, account, came, funnel):
    assert funnel["judgements"] > 200
    found = read_page(desk, f"/v1/runs/{desk.run_id}/report").json
    assert {name: found["came_in"][name] for name in came} == came
    refused = found["refused"]
    for name in ("judgements", "choices", "choice_kinds", "pairs"):
        assert refused[name] == funnel[name], name
    assert {row["reason"]: row["count"] for row in refused["reasons"]} == funnel["reasons"]
    assert sum(row["count"] for row in refused["pair_reasons"]) == funnel["too_close"]
    support = found["exposure"]["adapter"]["support"]
    assert (support["rate"], support["low"], support["high"]) == pytest.approx(
        (account["rate"], *account["interval"]), **CLOSE
    )

    facts = Tables(read_page(desk, f"/console/runs/{desk.run_id}/report").text).facts
    assert facts["Conversations begun"] == str(came["conversations"])
    assert facts["Judgements"] == str(funnel["judgements"])
    assert facts["Choices"] == str(funnel["choices"])
    assert facts["Thumbs up · down"] == f"{came['thumbs']['up']} · {came['thumbs']['down']}"
    assert facts["Customer messages"] == str(came["customer_messages"])
