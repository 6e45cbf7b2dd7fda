"""A whole chain made by hand, walked both ways on both databases; ids unknown, cut short or shared."""

from datetime import timedelta
from itertools import pairwise

import pytest

from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import INDEX, read_members
from feedback.errors import NotFound
from feedback.lineage.find import IdAmbiguous, IdUnknown, find_ref
from feedback.lineage.graph import Ref, lay_path, walk
from feedback.lineage.kinds import KINDS
from feedback.lineage.steps import Tracer
from feedback.store.adapter_story import list_story
from feedback.store.adapters import move_adapter, register_adapter
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import (
    AdapterEvent,
    Dataset,
    Duel,
    DuelRound,
    DuelVerdict,
    Judgement,
    SuggestionSet,
    Turn,
)
from tests.databases import START
from tests.feedback.chain import ADAPTER, DATASET, DESK, LIVE, NIGHT, Chain, record, write_dataset


@pytest.fixture
def chain(desk, tmp_path):
    return Chain(desk, tmp_path)


@pytest.fixture
def small(sqlite_desk, tmp_path):
    return Chain(sqlite_desk, tmp_path)


def test_the_story_reads_forwards_from_the_message_to_the_end_of_service(chain):
    found = walk(chain.tracer().look, Ref("message", chain.message), ["after"])
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
        Ref("exposure", "1"),
        chain.decision("live"),
        Ref("deployment", "2"),
        chain.decision("rolled_back"),
    ]
    aside = {Ref("message", chain.reply), Ref("thumb", chain.thumb)}
    assert set(found.steps) == {*story, *aside}
    for step, follower in pairwise(story):
        assert follower in found.steps[step].after, (step, follower)


def test_the_story_reads_backwards_from_a_set_that_the_adapter_answered(chain):
    found = walk(chain.tracer().look, Ref("judgement", chain.later_judgement), ["before"])
    kinds = [ref.kind for ref in found.steps]
    assert kinds[:4] == ["judgement", "set", "message", "deployment"]
    assert Ref("deployment", "2") in found.steps and Ref("run", chain.run) in found.steps
    # The dataset names its records; who wants to go on asks for one of them.
    assert kinds[-1] == "dataset" and Ref("choice", "star/star-1-e11") not in found.steps


def test_every_edge_is_named_by_both_of_its_ends(chain):
    look = chain.tracer().look
    steps, waiting = {}, [Ref("message", chain.message), Ref("choice", "star/star-1-e11")]
    while waiting:
        ref = waiting.pop()
        if ref not in steps:
            steps[ref] = look(ref)
            waiting += [*steps[ref].before, *steps[ref].after]
    forwards = {(step.ref, ref) for step in steps.values() for ref in step.after}
    backwards = {(ref, step.ref) for step in steps.values() for ref in step.before}
    assert forwards == backwards
    assert {ref.kind for ref in steps} == set(KINDS) - {"pair", "duel", "verdict"} and len(forwards) == 26


def test_an_interval_says_from_when_to_when_for_whom_and_why_it_ended(small):
    look = small.tracer().look
    canary, live, none = (look(Ref("deployment", fence)).facts for fence in ("1", "2", "3"))
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
    look = small.tracer().look
    picks, word = look(Ref("exposure", "1")), look(Ref("approval", "1"))
    assert (picks.facts["verdict"], picks.facts["evidence"]) == ("go_live", {"tuned": 80, "base": 20})
    assert picks.after == (small.decision("live"),)
    assert (word.facts["verdict"], word.facts["actor"], word.after) == ("approve", "eva", (picks.ref,))


def test_a_registration_or_an_intention_is_no_step(small):
    """They stand in the same table as the decisions of the story, which has no place for them."""
    look = small.tracer().look
    for event in small.desk.rows(AdapterEvent):
        ref = Ref("decision", str(event.id))
        if event.from_state in ("", event.to_state):
            with pytest.raises(NotFound):
                look(ref)
        else:
            assert look(ref).facts["to"] == event.to_state


def test_rows_of_one_moment_keep_each_interval_after_the_decision_that_began_it(sqlite_engine):
    """Passed, canary and live at once: no time tells them apart."""
    name, made = "tuned-20261122-7", {"run_id": None, "dataset_id": None, "base_id": "b" * 64}
    with unit_of_work(sqlite_engine) as session:
        adapter = register_adapter(
            session, name=name, desk_id=DESK, manifest_sha256="f" * 64, actor="t", now=START, **made
        )
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


def test_a_set_is_its_interval_s_that_was_in_force_when_it_was_drawn(small):
    look = small.tracer().look
    assert look(Ref("set", small.later_set)).before == (
        Ref("message", look(Ref("set", small.later_set)).before[0].id),
        Ref("deployment", "2"),
    )
    assert Ref("set", small.later_set) in look(Ref("deployment", "2")).after
    assert look(Ref("set", small.set)).before == (Ref("message", small.message),)


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
    look = Tracer(sqlite_desk.engine, tmp_path, DESK).look
    choice = look(Ref("choice", answer["judgement_id"]))
    assert (choice.facts["refused"], choice.after) == (reason, ())
    if kind == "undone":
        judged = look(Ref("judgement", answer["judgement_id"]))
        assert judged.facts["undone"] is True and Ref("judgement", undo) in judged.after
        assert look(Ref("judgement", undo)).before == (Ref("judgement", answer["judgement_id"]),)


def test_an_imported_record_that_no_dataset_takes_says_why(sqlite_desk, tmp_path):
    body = record("star", "x")["body"] | {"candidates": [{"text": "Yes."}, {"text": " yes. "}]}
    with unit_of_work(sqlite_desk.engine) as session:
        add_records(session, rows=[record("star", "x", body=body)])
    step = Tracer(sqlite_desk.engine, tmp_path, DESK).look(Ref("choice", "star/x"))
    assert (step.facts["refused"], step.before, step.after) == ("fewer_than_two_replies", (), ())


def test_a_dataset_tells_how_many_records_of_what_it_holds(small):
    facts = small.tracer().look(Ref("dataset", DATASET)).facts
    assert facts["records"] == {"choice": 2, "thumb": 1}
    assert facts["source"] == {"live": 2, "star": 1} and facts["tag"] == {"orders": 2, "": 1}
    assert facts["language"] == {"en": 2, "": 1} and facts["split"] == {"train": 2, "test": 1}
    assert small.tracer().look(Ref("thumb", small.thumb)).facts["splits"] == {DATASET: "test"}


def test_a_dataset_names_its_first_records_and_counts_the_others(small):
    rows = [{"id": f"c-{number}", "source": "many", "kind": "pick"} for number in range(50)]
    write_dataset(small.data_dir, "e" * 64, choices=rows)
    with unit_of_work(small.desk.engine) as session:
        session.add(Dataset(id="e" * 64, desk_id=DESK, created_at=NIGHT))
    step = small.tracer().look(Ref("dataset", "e" * 64))
    assert step.before[:2] == (Ref("choice", "many/c-0"), Ref("choice", "many/c-1"))
    assert (len(step.before), step.more_before) == (20, 30)


def test_an_erased_dataset_says_so_and_counts_as_unknown(small):
    directory = dataset_dir(small.data_dir, DATASET)
    with unit_of_work(small.desk.engine) as session:
        session.get_one(Dataset, DATASET).erased_at = NIGHT
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    look = small.tracer().look
    dataset, choice = look(Ref("dataset", DATASET)), look(Ref("choice", small.judgement))
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


def test_ids_are_found_whole_cut_short_and_by_address(chain):
    turn, candidate = chain.opened["turn_id"], chain.desk.rows(Judgement, kind="pick")[0].candidate_id
    cases = {
        chain.judgement: Ref("judgement", chain.judgement),
        f" {chain.judgement[:8]} ": Ref("judgement", chain.judgement),
        f"choice:{chain.judgement}": Ref("choice", chain.judgement),
        chain.run: Ref("run", chain.run),
        DATASET[:12]: Ref("dataset", DATASET),
        ADAPTER: Ref("adapter", ADAPTER),
        "star-1-e1": Ref("choice", "star/star-1-e11"),
        "star/star-1-e11": Ref("choice", "star/star-1-e11"),
        "2": Ref("deployment", "2"),
        turn: Ref("message", chain.desk.row(Turn, id=turn).message_id),
        candidate: Ref("set", chain.set),
        chain.thumb: Ref("thumb", chain.thumb),
    }
    assert {text: chain.find(text) for text in cases} == cases


@pytest.mark.parametrize(
    "text", ["", "  ", "no-such-id", "tuned-2", "%" * 9, "_" * 8, "99", "x" * 900, "a\0b"]
)
def test_an_unknown_id_says_what_would_do(chain, text):
    with pytest.raises(IdUnknown) as refused:
        chain.find(text)
    assert refused.value.status == 404 and "at least 8 characters" in refused.value.hint


def test_an_id_of_several_lists_them(chain):
    rows = [record("moon", "star-1-e11"), record("star", "star-1-e12", kind="pair")]
    rows += [record("loud", f"STAR-1-E{number}") for number in range(20)]  # another case is another id
    with unit_of_work(chain.desk.engine) as session:
        add_records(session, rows=rows)
    with pytest.raises(IdAmbiguous) as whole:
        chain.find("star-1-e11")
    assert set(whole.value.candidates) == {Ref("choice", "star/star-1-e11"), Ref("choice", "moon/star-1-e11")}
    with pytest.raises(IdAmbiguous) as cut:
        chain.find("star-1-e")
    assert len(cut.value.candidates) == 3 and "pair:star/star-1-e12" in cut.value.message


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
        Ref("exposure", "1"),
        Ref("approval", "1"),
        Ref("deployment", "1"),
    ]
    assert {ref.kind for ref in refs} == set(KINDS) - {"pair", "duel", "verdict"}
    for ref in refs:
        with pytest.raises(NotFound):
            stranger.look(ref)
    with read(small.desk.engine) as session, pytest.raises(IdUnknown):
        find_ref(session, desk_id="other", text=small.judgement)


def test_a_duel_is_told_with_its_adapters_and_when_it_is_closed_with_its_verdicts(small):
    """What was said trains a later night: the way leads on to the choice, and from it back to the duel."""
    now = small.desk.clock.now()
    with unit_of_work(small.desk.engine) as session:
        duel = Duel(
            desk_id=DESK,
            name="one",
            adapter=ADAPTER,
            state="open",
            wanted=1,
            seed=1,
            created_by="t",
            created_at=now,
        )
        session.add(duel)
        session.flush()
        opened = session.get_one(SuggestionSet, small.set)
        shown = DuelRound(
            desk_id=DESK,
            duel_id=duel.id,
            position=1,
            set_id=opened.id,
            conversation_id=opened.conversation_id,
            origin="later",
            messages=[{"role": "user", "content": "Where is my order 1042?"}],
            state="ready",
            a_adapter=ADAPTER,
            a_text="It leaves us today.",
            b_text="Read the page, please.",
        )
        session.add(shown)
        session.flush()
        said = DuelVerdict(
            desk_id=DESK,
            duel_id=duel.id,
            round_id=shown.id,
            verdict="a",
            judge="t",
            attempt=1,
            occurred_at=now,
            created_at=now,
        )
        session.add(said)
    look = small.tracer().look
    assert (
        look(Ref("duel", duel.id)).after == () and Ref("duel", duel.id) in look(Ref("adapter", ADAPTER)).after
    )
    with pytest.raises(NotFound):
        look(Ref("verdict", said.id))
    with unit_of_work(small.desk.engine) as session:
        session.get_one(Duel, duel.id).state = "closed"
    story = [
        Ref("adapter", ADAPTER),
        Ref("duel", duel.id),
        Ref("verdict", said.id),
        Ref("choice", f"duel/{said.id}"),
    ]
    for step, follower in pairwise(story):
        assert follower in look(step).after and step in look(follower).before
    assert look(story[-1]).facts["kind"] == "pick" and small.find(said.id[:13]) == story[2]


def test_a_path_forks_only_where_the_story_does(small):
    found = walk(small.tracer().look, Ref("adapter", ADAPTER), ["after"])
    path = lay_path(found, "after")
    assert [stop.ref.kind for stop in path] == [
        "adapter",
        "report",
        "decision",
        "decision",
        "deployment",
        "approval",
        "exposure",
        "decision",
        "deployment",
    ]
    assert [[stop.ref.kind for stop in fork] for fork in path[-1].forks] == [["decision"], ["set"]]
