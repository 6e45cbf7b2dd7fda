"""Which picks tell the newer of two versions from the older: one case for each rule."""

from collections import Counter

import pytest
from scipy.integrate import quad
from scipy.stats import beta, binomtest, norm

from feedback.experiments.cluster_bounds import share_bound
from feedback.experiments.support import support_of
from feedback.experiments.tally import Tally
from feedback.experiments.versions import Comparison, tally_versions
from feedback.records.arms import find_rival
from feedback.records.from_judgement import ShownReply, ShownSet, derive_choice
from feedback.store.engine import read, unit_of_work
from feedback.store.record_counts import Versioned, count_versions
from feedback.store.tables import Candidate, SuggestionSet
from tests.feedback.builders import DESK
from tests.feedback.experiments.meanings import mean
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.records.examples import TEXTS, judged

OLD, OLDER, NEW = "tuned-20261120-1", "tuned-20261119-1", "tuned-20261121-1"
SOURCES = (("base", None), ("tuned", OLD), ("base", None), ("tuned", NEW))  # by slot


def shown(texts=TEXTS, sources=SOURCES, states=("ready",) * 4, **fields):
    replies = [
        ShownReply(f"c{slot}", slot, text, arm, adapter, state)
        for slot, (text, (arm, adapter), state) in enumerate(zip(texts, sources, states, strict=True))
    ]
    values = {
        "prompt": [{"role": "user", "content": "Where is my order?"}],
        "design": "2+1+1",
        "adapter": NEW,
    }
    return ShownSet(conversation="conv-1", replies=replies, **(values | fields))


AGREED = shown(texts=("A.", "Same.", "B.", "Same."), states=("ready", "ready", "ready", "merged"))
OLD_LIKE_BASE = shown(
    texts=("Same.", "Same.", "B.", "C."),
    sources=(("both", OLD), *SOURCES[1:]),
    states=("ready", "merged", "ready", "ready"),
)
ALL_ALIKE = shown(
    texts=("B.", "Same.", "Same.", "Same."),
    sources=(SOURCES[0], ("both", OLD), *SOURCES[2:]),
    states=("ready", "ready", "merged", "merged"),
)


def count(judgement, on=None) -> Comparison:
    return tally([(judgement, on or shown())])


def tally(judged_sets) -> Comparison:
    counts = Counter(
        Versioned(find_rival(on), judgement.agent, mean(judgement, on)) for judgement, on in judged_sets
    )
    (comparison,) = tally_versions(NEW, counts)
    return comparison


@pytest.mark.parametrize(
    ("judgement", "on", "won", "lost", "tied", "base"),
    [
        (judged("pick", 3), None, 1, 0, 0, 0),
        (judged("pick", 1), None, 0, 1, 0, 0),
        (judged("pick", 0), None, 0, 0, 0, 1),
        (judged("edit", 3, text=TEXTS[3] + " Thank you."), None, 1, 0, 0, 0),
        (judged("edit", 2, text=TEXTS[2] + " Thank you for waiting."), None, 0, 0, 0, 1),
        (judged("own", text=TEXTS[1]), None, 0, 1, 0, 0),  # an own text that is a reply's is a pick of it
        (judged("tie", 3, candidates=(0, 3)), None, 1, 0, 0, 0),
        (judged("tie", 0, candidates=(0, 1)), None, 0, 1, 0, 0),
        (judged("tie", 1, candidates=(1, 3)), None, 0, 0, 1, 0),
        (judged("tie", 0, candidates=(0, 2)), None, 0, 0, 0, 1),
        (judged("tie", 0, candidates=(0, 1, 2, 3)), None, 0, 0, 1, 0),
        (judged("pick", 1), AGREED, 0, 0, 1, 0),
        (judged("pick", 0), AGREED, 0, 0, 0, 1),
        (judged("pick", 0), OLD_LIKE_BASE, 0, 1, 0, 0),
        (judged("pick", 2), OLD_LIKE_BASE, 0, 0, 0, 1),
        (judged("pick", 3), OLD_LIKE_BASE, 1, 0, 0, 0),
        (judged("pick", 1), ALL_ALIKE, 0, 0, 1, 0),
    ],
)
def test_a_pick_counts_for_the_version_whose_text_it_is(judgement, on, won, lost, tied, base):
    comparison = count(judgement, on)
    assert (comparison.tally, comparison.base) == (Tally(won, lost, tied), base)
    assert comparison.judgements == 1
    assert comparison.tally.decided == won + lost == comparison.agents


@pytest.mark.parametrize(
    ("judgement", "on", "apart", "left_out"),
    [
        (judged("own", text="I shall ask my colleague and call back on Monday."), None, {"own": 1}, {}),
        (judged("none"), None, {"none": 1}, {}),
        (judged("skip"), None, {"skip": 1}, {}),
        (judged("pick", 3, undone=True), None, {"undone": 1}, {}),
        (judged("pick", 3, unblinded=True), None, {"unblinded": 1}, {}),
        (judged("pick", 3), shown(states=("unavailable", *["ready"] * 3)), {}, {"reply_unavailable": 1}),
        (judged("pick", 3), shown(revealed=False), {}, {"set_not_ready": 1}),
    ],
)
def test_what_tells_nothing_of_the_versions_stands_apart(judgement, on, apart, left_out):
    comparison = count(judgement, on)
    assert (comparison.tally.counted, comparison.base, comparison.tally.rate) == (0, 0, None)
    assert (dict(comparison.apart), dict(comparison.left_out)) == (apart, left_out)
    assert {name for name, share in comparison.shares.items() if share} == set(apart)


def test_share_interval_evidence_and_bound():
    picks = [("ann", 3, 30), ("ann", 1, 10), ("ben", 3, 12), ("ben", 1, 8), ("eva", 0, 25)]
    given = [
        (judged("pick", slot, agent=agent), shown()) for agent, slot, times in picks for _ in range(times)
    ]
    comparison = tally([*given, *[(judged("pick", 1, agent="ben"), AGREED)] * 4])
    assert (comparison.tally.won, comparison.tally.lost, comparison.tied, comparison.base) == (42, 18, 4, 25)
    assert comparison.tally.rate == 44 / 64 and comparison.agents == 2
    low, high = binomtest(44, 64).proportion_ci(0.95, method="wilson")
    assert comparison.tally.interval == pytest.approx((low, high), abs=1e-6)
    assert comparison.shares["base"] == 25 / 89 and comparison.shares["both_versions"] == 4 / 89
    mixture = quad(lambda p: beta.pdf(p, 10, 10) * (2 * p) ** 42 * (2 - 2 * p) ** 18, 0, 1)[0]
    assert comparison.tally.e_better == pytest.approx(mixture) and comparison.tally.e_harm == 0
    assert comparison.bound_share(0.99) == pytest.approx(
        float(share_bound([30, 12], [40, 20], confidence=0.99))
    )
    assert comparison.bound_share(0.99) < 0.7 - norm.ppf(0.99) * (0.7 * 0.3 / 60) ** 0.5
    assert count(judged("pick", 3)).bound_share(0.99) is None


def test_exchanging_the_versions_exchanges_who_won():
    exchanged = shown(sources=(("base", None), ("tuned", NEW), ("base", None), ("tuned", OLD)))
    for slot in range(4):
        there, back = count(judged("pick", slot)), count(judged("pick", slot), exchanged)
        assert (there.tally.won, there.tally.lost, there.base) == (back.tally.lost, back.tally.won, back.base)


def test_a_choice_from_a_set_of_two_versions_names_the_version_of_each_reply():
    choice = derive_choice(judged("pick", 3), shown())
    assert [(reply.arm, reply.adapter) for reply in choice.candidates] == list(SOURCES)
    assert choice.picked == [3]


def test_a_set_without_replies_names_no_older_version():
    assert find_rival(shown()) == OLD
    assert find_rival(ShownSet("conv-1", [], [], "2+1+1", NEW)) is None


def open_versions(desk, old=OLD):
    """What the agent sees of a set that the suggester generated from two versions."""
    _, seen = desk.open_ready()
    with unit_of_work(desk.engine) as session:
        row = session.get_one(SuggestionSet, seen["set_id"])
        row.design, row.adapter = "2+1+1", NEW
        session.add(row)
        for index, adapter in ((1, old), (3, NEW)):
            candidate = session.get_one(Candidate, seen["candidates"][index]["candidate_id"])
            candidate.adapter = adapter
            session.add(candidate)
    return seen


def test_versions_are_compared_by_what_agents_did(desk):
    """Two picks of the new one, one of the old, one of base, one none; one against another, later; a pick of
    a set of two and two, which is no business of this.
    """
    for index in (3, 3, 1, 0):
        assert desk.pick(open_versions(desk), index).status_code == 201
    desk.judge(open_versions(desk), "none")
    desk.clock.advance(60)
    assert desk.pick(open_versions(desk, old=OLDER), 1, role="ben").status_code == 201
    desk.pick(desk.open_ready()[1], 1)
    desk.clock.advance(60)
    give_prompts(desk)
    with read(desk.engine) as session:
        later, earlier = tally_versions(NEW, count_versions(session, desk_id=DESK, adapter=NEW))
        assert count_versions(session, desk_id=DESK, adapter=OLD) == {}
        supports = [support_of(session, name) for name in (NEW, OLD)]
    assert (earlier.old, earlier.tally, earlier.base, earlier.judgements) == (OLD, Tally(2, 1), 1, 5)
    assert dict(earlier.apart) == {"none": 1}
    assert (later.old, later.tally) == (OLDER, Tally(0, 1))
    assert earlier.to_json()["rate"] == pytest.approx(2 / 3)
    new, old = supports
    assert (new.tally.counted, dict(new.left_out), old.left_out) == (0, {"two_versions": 6}, {})
