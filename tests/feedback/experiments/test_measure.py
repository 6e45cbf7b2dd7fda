"""What the picks of an adapter say: sums of the breakdown, and every figure against the bare rows of a
store."""

import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy import optimize, stats
from sqlmodel import select

from feedback.experiments.adjusted_share import PRIOR_SD
from feedback.experiments.fits import show_cells
from feedback.experiments.measure import measure_picks, name_experience
from feedback.experiments.picks import CountedPick, read_picks
from feedback.experiments.rollout_rule import Evidence, RolloutPolicy
from feedback.experiments.support import support_of
from feedback.experiments.tally import Tally
from feedback.records.cards import Card
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Candidate, Conversation, Judgement, SuggestionSet
from tests.feedback.desk import put_set
from tests.feedback.experiments.meanings import rederive
from tests.feedback.experiments.stores import give_prompts

ADAPTER = "tuned-20261122-1"  # of the sets that the desk puts
POLICY = RolloutPolicy()
ARMS = ("tuned", "base", "base", "tuned")
SLOTS = {"tuned": (0,), "base": (2,), "both": (0, 1)}


def draw_picks(seed, n):
    draw = random.Random(seed)
    return [
        CountedPick(
            judgement=str(number),
            adapter=ADAPTER,
            agent=draw.choice(["ann", "ben", "cy", None]),
            won=(won := draw.choice(["tuned", "tuned", "base", "both"])),
            cards=tuple(
                Card(slot, arm, 40 + slot, 0, 0, slot in SLOTS[won]) for slot, arm in enumerate(ARMS)
            ),
            tags=tuple(draw.sample(["vip", "intent:refund", "intent:status", "b2b"], draw.randint(0, 3))),
            language=draw.choice(["en", "zh", None]),
            experience=draw.randint(0, 300),
        )
        for number in range(n)
    ]


@pytest.mark.parametrize(("seed", "n"), [(1, 0), (2, 1), (3, 400)])
def test_the_cells_of_each_way_sum_to_the_whole(seed, n):
    picks = draw_picks(seed, n)
    measured = measure_picks(ADAPTER, picks, POLICY)
    whole = Counter(pick.won for pick in picks)
    for way in ("languages", "intents", "experience", "agents"):
        cells = measured.breakdown[way].values()
        sums = {arm: sum(getattr(cell, name) for cell in cells) for arm, name in
                (("tuned", "won"), ("base", "lost"), ("both", "tied"))}  # fmt: skip
        assert sums == {arm: whole[arm] for arm in ("tuned", "base", "both")}, way
    tagged = sum(cell.counted for cell in measured.breakdown["tags"].values())
    assert tagged == sum(max(1, len(pick.tags)) for pick in picks)
    assert measured.evidence.tally == Tally(whole["tuned"], whole["base"], whole["both"])


def test_a_cell_shows_its_rate_with_halves():
    picks = [pick for pick in draw_picks(4, 300) if pick.language == "zh"]
    cell = show_cells(measure_picks(ADAPTER, picks, POLICY).breakdown["languages"])["zh"]
    whole = Counter(pick.won for pick in picks)
    assert cell["counted"] == len(picks) > 50
    assert cell["rate"] == (whole["tuned"] + whole["both"] / 2) / len(picks)
    assert cell["low"] < cell["rate"] < cell["high"]
    assert set(cell) == {"tuned", "base", "halves", "counted", "rate", "low", "high"}


def test_no_pick_measures_nothing():
    measured = measure_picks(ADAPTER, [], POLICY)
    assert measured.evidence == Evidence(ADAPTER, Tally())
    assert (measured.adjusted, measured.without_agent, measured.length_difference) == (None, [], None)


@pytest.mark.parametrize(
    ("closed", "name"), [(0, "0-49"), (49, "0-49"), (50, "50-199"), (199, "50-199"), (200, "200+")]
)
def test_experience_comes_in_three_steps(closed, name):
    assert name_experience(closed) == name


def play(desk, seed, sets):
    """Four agents judge sets whose texts differ in length; some undone, tied, skipped, or not comparable."""
    draw = random.Random(seed)
    for _ in range(sets):
        opened = desk.open(
            language=draw.choice(["en", "zh"]), tags=draw.choice([[], ["vip"], ["intent:refund"]])
        )
        arms = ["base", "base", "tuned", "tuned"]
        draw.shuffle(arms)
        texts = [f"Reply {slot} {'so ' * draw.randint(1, 12)}well" for slot in range(4)]
        states = ["ready"] * 4
        if draw.random() < 0.1:
            states[draw.randrange(4)] = "unavailable"
        put_set(desk.engine, opened["turn_id"], texts=texts, arms=arms, states=states)
        turn = f"/v1/turns/{opened['turn_id']}"
        agent = draw.choice(["ann", "ben", "cy", "dee"])
        desk.post(f"{turn}/claim", agent=agent)
        shown = desk.get(f"{turn}/suggestions").json
        ready = [each["candidate_id"] for each in shown["candidates"] if each["state"] == "ready"]
        kind = draw.choices(["pick", "tie", "own", "none"], weights=[20, 3, 2, 1])[0]
        chosen = draw.sample(ready, 2) if kind == "tie" else [draw.choice(ready)]
        body = {
            "pick": {"candidate_id": chosen[0]},
            "tie": {"candidate_id": chosen[0], "candidate_ids": chosen},
            "own": {"text": "Something else entirely, written by hand."},
            "none": {},
        }[kind]
        judged = desk.judge(shown, kind, "app", agent=agent, **body)
        assert judged.status_code == 201, judged.text
        if draw.random() < 0.1 and kind != "none":
            desk.post(f"/v1/judgements/{judged.json['judgement_id']}/undo", agent=agent)
        desk.clock.advance(60)
    give_prompts(desk)


def read_rows(desk):
    """Judgements of all kinds but undo: (judgement, whether undone, candidates by slot, conversation)."""
    with read(desk.engine) as session:
        undone = set(session.exec(select(Judgement.undoes)).all())
        rows = []
        for judgement in session.exec(select(Judgement).order_by(Judgement.created_at, Judgement.id)).all():
            if judgement.kind == "undo":
                continue
            shown = session.get_one(SuggestionSet, judgement.set_id)
            candidates = session.exec(
                select(Candidate).where(Candidate.set_id == shown.id).order_by(Candidate.slot)
            ).all()
            conversation = session.get_one(Conversation, shown.conversation_id)
            session.expunge_all()
            rows.append((judgement, judgement.id in undone, candidates, conversation))
        return rows


def count_rows(rows):
    """The counted picks by rules of this test's own: plain tuples."""
    closed, counted = Counter(), []
    for judgement, undone, candidates, conversation in rows:
        before = closed[judgement.agent]
        closed[judgement.agent] += judgement.kind in ("pick", "edit", "own", "tie") and not undone
        if undone or judgement.kind not in ("pick", "tie") or any(c.state != "ready" for c in candidates):
            continue
        ids = judgement.candidate_ids or [judgement.candidate_id]
        arms = {c.arm for c in candidates if c.id in ids}
        won = arms.pop() if len(arms) == 1 else "both"
        counted.append((judgement.agent, won, ids, candidates, conversation, before))
    return counted


def bound_rows(decided):
    """Jackknife over agents, in loops; Wilson's own end is looked for by halving."""
    by_agent = defaultdict(list)
    for agent, won, *_ in decided:
        by_agent[agent].append(won == "tuned")
    n, k = len(decided), sum(map(sum, by_agent.values()))
    rest = [(k - sum(each)) / (n - len(each)) for each in by_agent.values()]
    g = len(by_agent)
    error = math.sqrt((g - 1) / g * sum((share - k / n) ** 2 for share in rest))
    z, low, high = stats.norm.ppf(0.99), 0.0, k / n
    for _ in range(80):
        middle = (low + high) / 2
        if k / n - middle > z * math.sqrt(middle * (1 - middle) / n):
            low = middle
        else:
            high = middle
    return max(0.0, min(k / n - stats.t.ppf(0.99, g - 1) * error, low)), sorted(rest)


def adjust_rows(decided):
    """Arm and slots and length by scipy over the likelihood in loops (no text here has a list or markup)."""

    def loss(b):
        total = sum(value * value for value in b) / (2 * PRIOR_SD**2)
        for _, _, ids, candidates, *_ in decided:
            utility = [
                b[0] * (0.5 if c.arm == "tuned" else -0.5)
                + b[1] * math.log(len(c.text))
                + (b[1 + c.slot] if c.slot else 0)
                for c in candidates
            ]
            norm = math.log(sum(map(math.exp, utility)))
            total -= sum(
                (u - norm) / len(ids) for u, c in zip(utility, candidates, strict=True) if c.id in ids
            )
        return total

    b = optimize.minimize(loss, np.zeros(5), method="BFGS", tol=1e-8).x
    return 1 / (1 + math.exp(-b[0]))


def list_picks(engine, adapter):
    return list(read_picks(engine, adapter, with_experience=True))


def test_every_figure_is_the_one_recomputed_from_the_rows(sqlite_desk):
    play(sqlite_desk, seed=7, sets=90)
    with read(sqlite_desk.engine) as session:
        support = support_of(session, ADAPTER)
    picks = list_picks(sqlite_desk.engine, ADAPTER)
    assert list_picks(sqlite_desk.engine, "tuned-20991231-1") == []
    measured = measure_picks(ADAPTER, picks, POLICY)
    evidence = measured.evidence

    counted = count_rows(read_rows(sqlite_desk))
    decided = [row for row in counted if row[1] != "both"]
    won = Counter(row[1] for row in counted)
    assert won["tuned"] > 15 and won["base"] > 15 and won["both"] > 1 and len(counted) < 85
    assert evidence.tally == support.tally == Tally(won["tuned"], won["base"], won["both"])
    assert evidence.agents == 4

    low, rest = bound_rows(decided)
    assert evidence.share_low == pytest.approx(low, abs=1e-9)
    assert [without.rest for without in measured.without_agent] == pytest.approx(rest)
    assert evidence.adjusted == pytest.approx(adjust_rows(decided), abs=1e-4)
    assert 0 < evidence.adjusted_low < evidence.adjusted

    def count_by(key):
        return dict(Counter(name for row in counted for name in key(row)))

    def counted_in(way):
        return {name: cell.counted for name, cell in measured.breakdown[way].items()}

    assert counted_in("agents") == count_by(lambda row: [row[0]])
    assert counted_in("languages") == count_by(lambda row: [row[4].language])
    assert counted_in("tags") == count_by(lambda row: row[4].tags or ["untagged"])
    assert counted_in("intents") == count_by(
        lambda row: ["refund" if "intent:refund" in row[4].tags else "unknown"]
    )
    assert [pick.experience for pick in picks] == [row[5] for row in counted]
    difference = [
        sum(math.log(len(c.text)) * (0.5 if c.arm == "tuned" else -0.5) for c in row[3]) for row in counted
    ]
    assert measured.length_difference == pytest.approx(sum(difference) / len(counted))


def test_an_erased_agent_stands_under_unknown(sqlite_desk):
    play(sqlite_desk, seed=8, sets=6)
    with unit_of_work(sqlite_desk.engine) as session:
        for row in session.exec(select(Judgement)).all():
            row.agent = None
            session.add(row)
    rederive(sqlite_desk.engine)
    measured = measure_picks(ADAPTER, list_picks(sqlite_desk.engine, ADAPTER), POLICY)
    assert list(measured.breakdown["agents"]) == ["unknown"] and measured.evidence.agents == 1
    assert measured.evidence.share_low is None and measured.evidence.adjusted_low is None
