"""A message is followed over a real night into service, and the reply that came of it back to it."""

from dataclasses import replace
from itertools import pairwise

from huggingface_hub import ModelCard

from feedback.datasets.members import read_members
from feedback.lineage.graph import Ref, walk
from feedback.lineage.steps import Tracer
from feedback.store.engine import unit_of_work
from feedback.store.tables import SuggestionSet, Turn
from tests.feedback.desk import make_desk, put_set
from tests.trainer.jobs.test_publish import QUICK, ComputingEngine, connect, make_context
from tests.trainer.nights import ask_and_claim, import_choices
from trainer.jobs.pipeline import run_night


def show(desk, *, adapter):
    """A customer's message, and the revealed set that was generated for it."""
    opened = desk.open("Where is my order 100 ?", language="en", tags=["orders"])
    set_id = put_set(desk.engine, opened["turn_id"])
    with unit_of_work(desk.engine) as session:
        row = session.get_one(SuggestionSet, set_id)
        row.adapter, row.messages = adapter, [{"role": "user", "content": "Where is my order 100 ?"}]
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    return desk.row(Turn, id=opened["turn_id"]).message_id, shown


def test_message_is_followed_into_service_and_the_reply_back_to_it(sqlite_engine, base, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path)
    message, shown = show(desk, adapter=None)
    pick = desk.pick(shown).json["judgement_id"]
    skipped = desk.judge(show(desk, adapter=None)[1], "skip").json["judgement_id"]
    with ComputingEngine(base) as engine, connect(engine) as fleet:
        ctx = replace(make_context(sqlite_engine, base, tmp_path, fleet), clock=desk.clock)
        import_choices(ctx, 80)
        token = ask_and_claim(ctx, request={"recipe": QUICK})
        assert run_night(ctx, token) == "done"
    run = ctx.read_run(token.run_id)
    find_step = Tracer(sqlite_engine, tmp_path, "default").find_step

    forward = walk(find_step, Ref("message", message), ["after"])
    story = ["message", "set", "judgement", "choice", "dataset", "run", "adapter", "report", "decision"]
    on_the_way = [ref for ref in forward.steps if ref.kind != "message" or ref.id == message]
    assert [ref.kind for ref in on_the_way] == [*story, "decision", "deployment"]
    assert on_the_way[4:7] == [
        Ref("dataset", run.dataset_id),
        Ref("run", run.id),
        Ref("adapter", run.adapter),
    ]
    for step, follower in pairwise(on_the_way):
        assert follower in find_step(step).after and step in find_step(follower).before
    assert forward.steps[on_the_way[-1]].facts["role"] == "canary"

    answered, shown = show(desk, adapter=run.adapter)
    back = walk(find_step, Ref("judgement", desk.pick(shown, 1).json["judgement_id"]), ["before"])
    assert {*on_the_way[4:], Ref("message", answered)} <= set(back.steps)
    # The dataset holds the pick, not the turn that was given back, and every imported choice of each split.
    assert Ref("choice", pick) in back.steps[Ref("dataset", run.dataset_id)].before
    assert find_step(Ref("choice", skipped)).facts["refused"] == "skip"
    members = read_members(tmp_path / "datasets" / run.dataset_id)
    assert members.by["source"] == {"live": 1, "test": 80}
    assert all(members.find("choice", "test", f"c{number}-1") for number in range(80))
    assert members.find("choice", "live", skipped) is None

    card = ModelCard.load(tmp_path / "adapters" / run.adapter / "README.md")
    assert card.data.datasets == [run.dataset_id] and card.data.base_model == base.name
    assert "| source | test | 80 |" in card.text and "| tag | orders | 1 |" in card.text
    became = [line.split(" | ")[1] for line in card.text.split("## Decisions")[1].splitlines()[4:]]
    assert became == ["passed", "canary"]
