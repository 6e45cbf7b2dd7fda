"""A whole chain made by hand, walked both ways on both databases."""

from datetime import timedelta
from itertools import pairwise

import pytest

from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import INDEX, read_members
from feedback.errors import NotFound
from feedback.lineage.find import IdUnknown, find_ref
from feedback.lineage.graph import Ref, lay_path, walk
from feedback.lineage.kinds import KINDS
from feedback.lineage.steps import Tracer
from feedback.store.adapter_story import list_story
from feedback.store.adapters import move_adapter, register_adapter
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Dataset,
    Duel,
    SuggestionSet,
)
from tests.databases import START
from tests.feedback.chain import ADAPTER, DATASET, DESK, LIVE, NIGHT, record, write_dataset
from tests.feedback.duels.duel_desk import add_open_duel, add_round, judge


def test_the_story_reads_forwards_from_the_message_to_the_end_of_service(chain):
    found = walk(chain.tracer().find_step, Ref("message", chain.message), ["after"])
    story = [
        Ref("message", chain.message),
        Ref("set", chain.set),
        Ref("judgement", chain.judgement),
        Ref("choice", chain.judgement),
        Ref("dataset", DATASET),
        Ref("run", chain.run),
        Ref("adapter", ADAPTER),
        Ref("report", ADAPTER),
        chain.decision("passed"),
        chain.decision("canary"),
        Ref("deployment", "1"),
        Ref("approval", "1"),
        Ref("rollout", "1"),
        chain.decision("live"),
        Ref("deployment", "2"),
        chain.decision("rolled_back"),
    ]
    aside = {Ref("message", chain.reply), Ref("thumb", chain.thumb)}
    assert set(found.steps) == {*story, *aside}
    for step, follower in pairwise(story):
        assert follower in found.steps[step].after, (step, follower)


def test_the_story_reads_backwards_from_a_set_that_the_adapter_answered(chain):
    found = walk(chain.tracer().find_step, Ref("judgement", chain.later_judgement), ["before"])
    kinds = [ref.kind for ref in found.steps]
    assert kinds[:4] == ["judgement", "set", "message", "deployment"]
    assert Ref("deployment", "2") in found.steps and Ref("run", chain.run) in found.steps
    # The dataset names its records; who wants to go on asks for one of them.
    assert kinds[-1] == "dataset" and Ref("choice", "star/star-1-e11") not in found.steps


# Steps that the chain has none of: tests of their own tell of duels and labels.
OTHERS = {"pair", "text", "duel", "verdict", "item", "label"}


def test_every_edge_is_named_by_both_of_its_ends(chain):
    find_step = chain.tracer().find_step
    steps, waiting = {}, [Ref("message", chain.message), Ref("choice", "star/star-1-e11")]
    while waiting:
        ref = waiting.pop()
        if ref not in steps:
            steps[ref] = find_step(ref)
            waiting += [*steps[ref].before, *steps[ref].after]
    forwards = {(step.ref, ref) for step in steps.values() for ref in step.after}
    backwards = {(ref, step.ref) for step in steps.values() for ref in step.before}
    assert forwards == backwards
    assert {ref.kind for ref in steps} == set(KINDS) - OTHERS and len(forwards) == 26


def test_an_interval_says_from_when_to_when_for_whom_and_why_it_ended(small):
    find_step = small.tracer().find_step
    canary, live, none = (
        find_step(Ref("deployment", fencing_token)).facts for fencing_token in ("1", "2", "3")
    )
    assert (canary["role"], canary["adapter"], canary["share"], canary["until"]) == (
        "canary",
        ADAPTER,
        0.5,
        LIVE.isoformat(),
    )
    assert (live["since"], live["until"]) == (
        LIVE.isoformat(),
        (LIVE + timedelta(seconds=120)).isoformat(),
    )
    assert (live["why"], live["ended_by"]) == ("rude to customers", "deployment:4")
    assert none == {"role": "canary", "since": LIVE.isoformat(), "actor": "t", "reason": "t"}
    assert (canary["sets"], live["sets"], live["judged"]) == (0, 1, 1)


def test_what_picks_and_people_said_stands_before_the_decision_it_led_to(small):
    find_step = small.tracer().find_step
    picks, word = find_step(Ref("rollout", "1")), find_step(Ref("approval", "1"))
    assert (picks.facts["verdict"], picks.facts["evidence"]) == ("go_live", {"tuned": 80, "base": 20})
    assert picks.after == (small.decision("live"),)
    assert (word.facts["verdict"], word.facts["actor"], word.after) == ("approve", "eva", (picks.ref,))


def test_a_registration_or_an_intention_is_no_step(small):
    """They stand in the same table as the decisions of the story, which has no place for them."""
    find_step = small.tracer().find_step
    for event in small.desk.rows(AdapterEvent):
        ref = Ref("decision", str(event.id))
        if event.from_state in ("", event.to_state):
            with pytest.raises(NotFound):
                find_step(ref)
        else:
            assert find_step(ref).facts["to"] == event.to_state


def test_rows_of_one_moment_keep_each_interval_after_the_decision_that_began_it(sqlite_engine):
    """Passed, canary and live at once: no time tells them apart."""
    name, made = "tuned-20261122-7", {"base_id": "b" * 64, "manifest_sha256": "f" * 64}
    with unit_of_work(sqlite_engine) as session:
        adapter = Adapter(name=name, desk_id=DESK, created_at=START, **made)
        register_adapter(session, adapter=adapter, actor="t")
        for state, share in (("passed", None), ("canary", 0.1), ("live", 1.0)):
            if share is not None:
                add_deployment(
                    session,
                    desk_id=DESK,
                    role=state,
                    adapter=name,
                    share=share,
                    actor="t",
                    reason="t",
                    now=START,
                )
            move_adapter(session, desk_id=DESK, name=name, to_state=state, reason="t", actor="t", now=START)
        story = list_story(session, adapter=adapter)
    assert [f"{kind}:{id}" for kind, id in story] == [
        "decision:2",
        "decision:3",
        "deployment:1",
        "decision:4",
        "deployment:2",
    ]


def test_a_set_is_its_interval_s_that_was_in_force_when_it_was_generated(small):
    find_step = small.tracer().find_step
    assert find_step(Ref("set", small.later_set)).before == (
        Ref("message", find_step(Ref("set", small.later_set)).before[0].id),
        Ref("deployment", "2"),
    )
    assert Ref("set", small.later_set) in find_step(Ref("deployment", "2")).after
    assert find_step(Ref("set", small.set)).before == (Ref("message", small.message),)


@pytest.mark.parametrize(
    ("kind", "reason"), [("none", "none"), ("skip", "skip"), ("undone", "undone"), ("tie", "tie_of_all")]
)
def test_a_judgement_that_makes_no_choice_says_why(sqlite_desk, tmp_path, kind, reason):
    _, shown = sqlite_desk.open_ready()
    with unit_of_work(sqlite_desk.engine) as session:
        session.get_one(SuggestionSet, shown["set_id"]).messages = [{"role": "user", "content": "Hi"}]
    ids = [candidate["candidate_id"] for candidate in shown["candidates"]]
    said = {"candidate_id": ids[0], "candidate_ids": ids} if kind == "tie" else {}
    answer = (sqlite_desk.pick(shown) if kind == "undone" else sqlite_desk.judge(shown, kind, **said)).json
    if kind == "undone":
        undo = sqlite_desk.post(f"/v1/judgements/{answer['judgement_id']}/undo", "agent").json["undo_id"]
    find_step = Tracer(sqlite_desk.engine, tmp_path, DESK).find_step
    choice = find_step(Ref("choice", answer["judgement_id"]))
    assert (choice.facts["refused"], choice.after) == (reason, ())
    if kind == "undone":
        judged = find_step(Ref("judgement", answer["judgement_id"]))
        assert judged.facts["undone"] is True and Ref("judgement", undo) in judged.after
        assert find_step(Ref("judgement", undo)).before == (Ref("judgement", answer["judgement_id"]),)


def test_an_imported_record_that_no_dataset_takes_says_why(sqlite_desk, tmp_path):
    body = record("star", "x")["body"] | {"candidates": [{"text": "Yes."}, {"text": " yes. "}]}
    with unit_of_work(sqlite_desk.engine) as session:
        add_records(session, rows=[record("star", "x", body=body)])
    step = Tracer(sqlite_desk.engine, tmp_path, DESK).find_step(Ref("choice", "star/x"))
    assert (step.facts["refused"], step.before, step.after) == ("fewer_than_two_replies", (), ())


def test_a_dataset_tells_how_many_records_of_what_it_holds(small):
    facts = small.tracer().find_step(Ref("dataset", DATASET)).facts
    assert facts["records"] == {"choice": 2, "thumb": 1}
    assert facts["source"] == {"live": 2, "star": 1} and facts["tag"] == {"orders": 2, "": 1}
    assert facts["language"] == {"en": 2, "": 1} and facts["split"] == {"train": 2, "test": 1}
    assert small.tracer().find_step(Ref("thumb", small.thumb)).facts["splits"] == {DATASET: "test"}


def test_a_dataset_names_its_first_records_and_counts_the_others(small):
    rows = [{"id": f"c-{number}", "source": "many", "kind": "pick"} for number in range(50)]
    write_dataset(small.data_dir, "e" * 64, choices=rows)
    with unit_of_work(small.desk.engine) as session:
        session.add(Dataset(id="e" * 64, desk_id=DESK, created_at=NIGHT))
    step = small.tracer().find_step(Ref("dataset", "e" * 64))
    assert step.before[:2] == (Ref("choice", "many/c-0"), Ref("choice", "many/c-1"))
    assert (len(step.before), step.more_before) == (20, 30)


def test_an_erased_dataset_says_so_and_counts_as_unknown(small):
    directory = dataset_dir(small.data_dir, DATASET)
    with unit_of_work(small.desk.engine) as session:
        session.get_one(Dataset, DATASET).erased_at = NIGHT
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    find_step = small.tracer().find_step
    dataset, choice = find_step(Ref("dataset", DATASET)), find_step(Ref("choice", small.judgement))
    assert (dataset.facts["files"], dataset.before) == ("erased", ())
    assert (choice.after, choice.facts["datasets_gone"]) == ((), [DATASET])


def test_the_index_finds_what_reading_the_files_finds(small):
    """Thumbs that became a pair are in it, too; ids that differ in a letter, or in their source, are not."""
    names = [f"s-{number}" for number in range(300)]
    directory = write_dataset(
        small.data_dir,
        "a" * 64,
        choices=[{"id": name, "source": "s", "kind": "pick", "split": "validation"} for name in names],
        pairs=[
            {"id": "up-1/down-1", "source": "live", "kind": "thumbs", "split": "test"},
            {"id": "s-7/0>1", "source": "s", "kind": "pick"},
            {"id": "p-1", "source": "s", "kind": "pair"},
        ],
    )
    members = read_members(directory)
    assert {name: members.find("choice", "s", name) for name in names} == dict.fromkeys(names, "validation")
    assert [members.find("thumb", source, id) for source, id in (("live", "up-1"), ("other", "down-1"))] == [
        "test",
        "test",
    ]
    assert members.find("pair", "s", "p-1") == "train"
    absent = [
        ("choice", "s", "s-300"),
        ("choice", "t", "s-7"),
        ("pair", "s", "s-7/0>1"),
        ("thumb", "s", "s-7"),
    ]
    assert [members.find(*each) for each in absent] == [None] * 4
    assert members.counts == {"choice": 300, "pair": 1, "thumb": 2}
    assert read_members(directory) == members and (directory / INDEX).is_file()


def test_another_desk_finds_nothing(small):
    stranger = Tracer(small.desk.engine, small.data_dir, "other")
    refs = [
        Ref("message", small.message),
        Ref("set", small.set),
        Ref("judgement", small.judgement),
        Ref("choice", small.judgement),
        Ref("choice", "star/star-1-e11"),
        Ref("thumb", small.thumb),
        Ref("dataset", DATASET),
        Ref("run", small.run),
        Ref("adapter", ADAPTER),
        Ref("report", ADAPTER),
        small.decision("passed"),
        Ref("rollout", "1"),
        Ref("approval", "1"),
        Ref("deployment", "1"),
    ]
    assert {ref.kind for ref in refs} == set(KINDS) - OTHERS
    for ref in refs:
        with pytest.raises(NotFound):
            stranger.find_step(ref)
    with read(small.desk.engine) as session, pytest.raises(IdUnknown):
        find_ref(session, desk_id="other", text=small.judgement)


def test_a_duel_is_told_with_its_adapters_and_when_it_is_closed_with_its_verdicts(small):
    """What was said trains a later night: the way leads on to the choice, and from it back to the duel."""
    now = small.desk.clock.now()
    with unit_of_work(small.desk.engine) as session:
        duel = add_open_duel(session, name="one", adapter=ADAPTER, wanted=1, created_at=now)
        add_round(
            session,
            duel,
            session.get_one(SuggestionSet, small.set),
            messages=[{"role": "user", "content": "Where is my order 1042?"}],
            a="It leaves us today.",
            b="Read the page, please.",
            hidden={"a_adapter": ADAPTER, "b_adapter": None},
        )
    said = judge(small.desk.engine, duel.id, 1, "a")
    find_step = small.tracer().find_step
    assert (
        find_step(Ref("duel", duel.id)).after == ()
        and Ref("duel", duel.id) in find_step(Ref("adapter", ADAPTER)).after
    )
    with pytest.raises(NotFound):
        find_step(Ref("verdict", said))
    with unit_of_work(small.desk.engine) as session:
        session.get_one(Duel, duel.id).state = "closed"
    story = [
        Ref("adapter", ADAPTER),
        Ref("duel", duel.id),
        Ref("verdict", said),
        Ref("choice", f"duel/{said}"),
    ]
    for step, follower in pairwise(story):
        assert follower in find_step(step).after and step in find_step(follower).before
    assert find_step(story[-1]).facts["kind"] == "pick" and small.find(said[:13]) == story[2]


def test_a_path_forks_only_where_the_story_does(small):
    found = walk(small.tracer().find_step, Ref("adapter", ADAPTER), ["after"])
    path = lay_path(found, "after")
    assert [stop.ref.kind for stop in path] == [
        "adapter",
        "report",
        "decision",
        "decision",
        "deployment",
        "approval",
        "rollout",
        "decision",
        "deployment",
    ]
    assert [[stop.ref.kind for stop in fork] for fork in path[-1].forks] == [["decision"], ["set"]]
