"""A night by each method on the tiny base, a real store and no engine: what it leaves behind."""

from dataclasses import replace

import pytest

from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.run_report.need import PARTS, read_need
from feedback.store import adapters, runs
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.run_history import read_numbers
from feedback.store.tables import Adapter
from serving.adapters.staging import verify_staged
from tests.trainer.jobs.test_pipeline import ask_and_claim, asked, ctx, import_choices  # noqa: F401
from trainer.errors import RecipeRefused
from trainer.evaluation.report import OfflineReport
from trainer.jobs.pipeline import run_night
from trainer.recipes.methods import VIRTUAL
from trainer.recipes.recipe import build_recipe, recall_recipe
from trainer.release.earlier import note_earlier
from trainer.release.old_checkpoints import drop_old_checkpoints
from trainer.release.staging import Finished, stage


def run_by(ctx, asked, method):  # noqa: F811
    import_choices(ctx, 80)
    wanted = asked | {"objective": "choice", "method": method}
    if method in VIRTUAL:
        wanted |= {"virtual_tokens": 4}
    token = ask_and_claim(ctx, request={"recipe": wanted})
    assert run_night(ctx, token) == "done"
    return token, ctx.read_run(token.run_id)


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_virtual_tokens_are_measured_and_reported_and_never_staged(ctx, asked, method):  # noqa: F811
    token, run = run_by(ctx, asked, method)
    assert (run.state, run.step, run.decision, run.adapter) == ("done", "gate", None, None)
    first = run.reasons[0]
    assert first["code"] == "method_not_served" and first["text"].startswith(f"method {method}: ")
    assert run.report["adapter"]["log_loss"] > 0 and run.report["replies"]["prompts"] == 2
    assert not (ctx.data_dir / "adapters").exists()
    report = OfflineReport.model_validate(
        {name: run.report[name] for name in OfflineReport.model_fields if name in run.report}
    )
    finished = Finished(recall_recipe(run.recipe, run.id), ctx.run_dir(run.id), {}, report, None)  # type: ignore[arg-type]
    with pytest.raises(RecipeRefused, match=f"method: {method}: it is trained, evaluated and reported"):
        stage(ctx, token, finished)


def test_a_night_by_qlora_ends_like_one_by_lora_and_keeps_its_forecast(ctx, asked):  # noqa: F811
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    _, run = run_by(ctx, asked, "qlora")
    assert (run.decision, run.adapter) == ("passed", "tuned-20261122-1")
    assert (ctx.data_dir / "adapters" / run.adapter / "manifest.json").exists()
    with read(ctx.store_engine) as session:
        numbers = read_numbers(session, run_id=run.id)
        first = runs.list_metrics(session, run_id=run.id)[0]
    need = read_need(numbers)
    assert set(need["parts"]) == set(PARTS) and first.name == "memory_program"
    assert need["memory"]["measured"] > need["parts"]["program"]
    assert need["seconds"]["measured"] > 0


def test_a_progressive_night_begins_from_an_adapter_and_ends_in_a_checkpoint(ctx, asked):  # noqa: F811
    import_choices(ctx, 80)
    ways = asked | {"objective": "choice"}
    wanted = build_recipe(ways | {"method": "progressive"})
    with pytest.raises(RecipeRefused, match="there is none: train one with `method: lora` first"):
        note_earlier(ctx, wanted)
    for number, method in ((1, "lora"), (2, "progressive")):
        token = ask_and_claim(ctx, request={"recipe": ways | {"method": method}})
        assert run_night(ctx, token) == "done"
        run = ctx.read_run(token.run_id)
        assert (run.decision, run.adapter) == ("passed", f"tuned-20261122-{number}")
    assert run.recipe["earlier"] == "tuned-20261122-1"
    version = ctx.data_dir / "adapters" / run.adapter
    assert "model.safetensors" in verify_staged(version)["sha256"]
    assert "It is a whole model" in (version / "README.md").read_text()
    with read(ctx.store_engine) as session:
        rows = adapters.select_adapters(session, desk_id="default")
        tracer = Tracer(store_engine=ctx.store_engine, data_dir=ctx.data_dir, desk_id="default")
        facts = [tracer.find_step(Ref("adapter", row.name)).facts.get("checkpoint") for row in rows]
    assert facts == [True, None]
    learnt = tracer.find_step(Ref("run", run.id)).facts
    assert (learnt["method"], learnt["earlier"]) == ("progressive", "tuned-20261122-1")
    with pytest.raises(RecipeRefused, match=r"earlier = tuned-20261122-2: .* there are tuned-20261122-1"):
        note_earlier(ctx, wanted.model_copy(update={"earlier": run.adapter}))


def test_files_of_all_but_the_newest_checkpoints_are_removed(ctx):  # noqa: F811
    names = [f"tuned-20261122-{number}" for number in (1, 2, 3, 4, 5)]
    for name in names:
        weights = ctx.data_dir / "adapters" / name / "weights"
        weights.mkdir(parents=True)
        (weights / "model.safetensors").write_bytes(b"")
        with unit_of_work(ctx.store_engine) as session:
            row = Adapter(
                name=name,
                desk_id="default",
                base_id="",
                manifest_sha256=name,
                created_at=ctx.clock.now(),
                is_checkpoint=name != names[3],  # an adapter takes no checkpoint's place
            )
            adapters.register_adapter(session, adapter=row, actor="test")
            if name == names[0]:  # it serves: it stays
                add_deployment(
                    session,
                    desk_id="default",
                    role="live",
                    adapter=name,
                    actor="test",
                    reason="test",
                    now=ctx.clock.now(),
                )
    for _ in range(2):
        drop_old_checkpoints(ctx)
        kept = [name for name in names if (ctx.data_dir / "adapters" / name / "weights").is_dir()]
        assert kept == [names[0], *names[2:]]


def test_a_rank_beyond_the_engines_limit_concerns_no_virtual_tokens(ctx, asked):  # noqa: F811
    from trainer.jobs.pipeline import find_recipe

    wanted = asked | {"objective": "choice", "method": "prompt", "rank": 64}
    assert find_recipe({"recipe": wanted}, ctx.settings, ctx.serving).rank == 64
    low = replace(ctx, serving=ctx.serving.model_copy(update={"max_lora_rank": 8}))
    with pytest.raises(RecipeRefused, match="rank: serving takes at most 8"):
        find_recipe({"recipe": wanted | {"method": "qlora", "rank": 16}}, low.settings, low.serving)
