"""What pages and calls say of two versions in one set equals what is recounted from the event log.

Counted here by rules written anew from docs/evidence.md over bare rows; nothing comes from the service.
"""

from collections import Counter, defaultdict

import pytest
from sqlmodel import select

from feedback.store.engine import unit_of_work
from feedback.store.tables import Adapter, Candidate, SuggestionSet
from tests.databases import START
from tests.feedback.console.test_versions_page import read_rows
from tests.feedback.desk import make_desk
from tests.feedback.experiments.log import ADAPTER, write_log
from tests.feedback.experiments.meanings import rederive
from tests.feedback.experiments.recount import (
    APART,
    bound_by_agent,
    evidence,
    export,
    fold,
    list_judged,
    settle,
    wilson,
)

BEFORE = "tuned-20261119-1"


def put_versions(engine):
    """Every other set of two and two about the adapter becomes one of two versions: the later one of the two
    replies that the adapter wrote is the older version's.
    """
    with unit_of_work(engine) as session:
        about = (SuggestionSet.design == "2+2", SuggestionSet.adapter == ADAPTER)
        in_turn = select(SuggestionSet).where(*about).order_by(SuggestionSet.slot_seed)
        for row in session.exec(in_turn).all()[::2]:
            row.design = "2+1+1"
            session.add(row)
            in_order = select(Candidate).where(Candidate.set_id == row.id).order_by(Candidate.slot)
            cards = session.exec(in_order).all()
            merged = next((card for card in cards if card.state == "merged"), None)

            def is_of_base(card, merged=merged):
                """Also the first card of a text that base wrote first and the adapter after it."""
                return card.arm == "base" or (card.arm == "both" and merged.arm == "tuned")

            _, older = (card for card in cards if not is_of_base(card))
            older.adapter = BEFORE
            for card in cards:
                if card.arm == "both" and is_of_base(card):
                    card.adapter = merged.adapter
                session.add(card)
        for name in (ADAPTER, BEFORE):
            session.add(
                Adapter(
                    name=name,
                    desk_id="default",
                    state="canary" if name == ADAPTER else "live",
                    base_id="b" * 64,
                    manifest_sha256="f" * 64,
                    created_at=START,
                )
            )


def recount(rows):
    counts = {"apart": Counter(), "left_out": Counter(), "judgements": 0, "halves": 0, "base": 0}
    by_agent = defaultdict(list)  # whether each deciding pick went to the newer
    for judged in list_judged(rows):
        wrote = {card["adapter"] for card in judged["cards"]} - {None}
        if judged["set"]["design"] != "2+1+1" or wrote != {ADAPTER, BEFORE}:
            continue
        counts["judgements"] += 1
        settled = settle(judged)
        reason, won = (settled, None) if isinstance(settled, str) else settled[:2]
        if reason in APART:
            counts["apart"][reason] += 1
        elif isinstance(settled, str) and reason != "tie_of_all":
            counts["left_out"][reason] += 1
        elif any(card["state"] == "unavailable" for card in judged["cards"]):
            counts["left_out"]["reply_unavailable"] += 1
        else:
            picked = [card for card in judged["cards"] if won is None or fold(card["text"]) in won]
            versions = {card["adapter"] for card in picked} - {None}
            if len(versions) == 1:
                by_agent[judged["agent"] or "unknown"].append(versions == {ADAPTER})
            else:
                counts["halves" if versions else "base"] += 1
    return counts, by_agent


def test_comparisons_are_those_recounted_from_the_event_log(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path)
    write_log(store_engine, seed=11, sets=400)
    put_versions(store_engine)
    rederive(store_engine)
    counts, by_agent = recount(export(store_engine))
    won, made = sum(map(sum, by_agent.values())), sum(map(len, by_agent.values()))
    assert counts["halves"] >= 10 and counts["base"] >= 30 and won > 30 and made - won > 30
    assert set(counts["apart"]) == set(APART) and "reply_unavailable" in counts["left_out"]

    listed = {row["name"]: row for row in desk.get("/v1/adapters", "admin").json["adapters"]}
    assert listed[BEFORE]["comparisons"] == []
    (found,) = listed[ADAPTER]["comparisons"]
    assert (found["new"], found["old"]) == (ADAPTER, BEFORE)
    assert (found["won"], found["lost"], found["agents"]) == (won, made - won, len(by_agent))
    assert [found[name] for name in ("halves", "base", "judgements")] == [
        counts[name] for name in ("halves", "base", "judgements")
    ]
    assert found["left_out"] == dict(counts["left_out"])
    apart = counts["apart"] | Counter(both_versions=counts["halves"], base=counts["base"])
    assert found["shares"] == {
        name: pytest.approx(apart[name] / counts["judgements"]) for name in found["shares"]
    }
    halved, counted = won + counts["halves"] / 2, made + counts["halves"]
    low, high = wilson(halved, counted, 1.959964)
    assert (found["rate"], found["low"], found["high"]) == pytest.approx((halved / counted, low, high))
    assert (found["e_better"], found["e_harm"]) == pytest.approx(evidence(won, made))

    shown = read_rows(desk.get(f"/console/adapters/{ADAPTER}", "expert").text.split("Against the version")[1])
    assert shown["picks of this adapter"] == str(won)
    assert shown["picks of the version before"] == str(made - won)
    bound = bound_by_agent(by_agent)
    assert (
        shown[f"share without halves is at least this (99 %, clustered by {len(by_agent)} agents)"]
        == f"{100 * bound:.0f} %"
    )
    better, harm = evidence(won, made)
    assert shown["evidence that this one is better (20 is enough)"] == f"{better:.4g}"
    assert shown["evidence that the one before is better (20 is enough)"] == f"{harm:.4g}"
