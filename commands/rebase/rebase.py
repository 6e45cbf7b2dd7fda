"""`rejoinder rebase`: plan a move to another base model, train on it, and follow it; `comparison.py` and
`moves.py` have the commands that come after.
"""

from typing import Any

import click
from sqlalchemy import Engine

from commands.errors import CommandFailed, NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option, require_reason
from commands.rebase.comparison import compare_command
from commands.rebase.moves import back_command, cancel_command, switch_command
from commands.rebase.pair import list_choices, list_followers, make_pair
from commands.store import open_store
from commands.train import check_recipe, some_worker, watch_run
from feedback.clock import SystemClock
from feedback.rebase.evidence import describe_limit
from feedback.rebase.follow import RebaseStanding, read_standing
from feedback.rebase.plan import RebasePlan, make_rebase_plan
from feedback.rebase.start import start_rebase
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK
from serving.engine.preflight import available_gib

ACTOR = "command line"


@click.group("rebase")
def command() -> None:
    """Move to another base model: train on it from all data, compare it blind, switch on evidence.

    \b
    rejoinder rebase plan Qwen/Qwen3-0.6B
    rejoinder rebase start Qwen/Qwen3-0.6B --reason "answers in more languages" --now
    rejoinder rebase compare
    rejoinder rebase status
    rejoinder rebase switch --reason "140 of 190 rounds"
    """


@command.command("plan")
@click.argument("base_model")
@frame_options
@json_option
def plan_command(frame: Frame, base_model: str, as_json: bool) -> None:
    """Say what is kept, recomputed and refused with BASE_MODEL, a folder or hub name. Changes nothing.

    Exit code 1 for a base that cannot be trained or served here.

    \b
    rejoinder rebase plan /models/smollm2
    rejoinder rebase plan Qwen/Qwen3-0.6B --json | jq .gib
    """
    pair = make_pair(frame, base_model)
    with open_store(frame) as engine:
        plan = make_rebase_plan(engine, pair, desk_id=DEFAULT_DESK)
    choices, followers = list_choices(frame, pair), list_followers(frame, pair)
    if as_json:
        print_json({**plan.to_json(), "settings": choices, "follows_the_base": followers})
        return
    for line in describe_plan(plan, choices, followers):
        click.echo(line)


def describe_plan(plan: RebasePlan, choices: list[str], followers: list[str]) -> list[str]:
    held, serves = plan.holdings, plan.old_adapter or "the base alone"
    lines = [
        f"now         {plan.old_base_model}, id {plan.old_base_id[:16]}; {serves} serves",
        f"new base    {plan.base_model}, id {plan.base_id[:16]}",
        *(f"            {fact}" for fact in plan.facts),
        f"kept        {held.conversations:,} conversations, {held.judgements:,} judgements, "
        f"{held.thumbs:,} thumbs, {held.datasets:,} datasets with their ids, every split and decision",
        f"recomputed  the reference of every reply, an adapter from all {held.choices:,} choices, its dry "
        "pass, probe and figures",
        *(f"            {one}" for one in choices),
        f"refused     {held.adapters:,} adapters of the old base: they stay on disk and serve on it alone",
        *(f"changes     {one}" for one in followers),
        f"memory      an engine of the new base needs {plan.gib:.1f} GiB on a CPU; {available_gib():.1f} GiB "
        "are free",
        f'next        rejoinder rebase start {plan.base_model} --reason "..."',
    ]
    return lines


@command.command("start")
@click.argument("base_model")
@click.option("--recipe", default=None, help="A recipe file, or the name of a built-in one.")
@click.option("--now", is_flag=True, help="Wait for the run and show its progress.")
@frame_options
@reason_option
@json_option
def start_command(
    frame: Frame, base_model: str, recipe: str | None, now: bool, reason: str, as_json: bool
) -> None:
    """Train on BASE_MODEL from all data; the service goes on with the base it has. Prints the run's id last.

    The worker of the running service trains. With --now and without one, a worker works here.

    \b
    rejoinder rebase start /models/smollm2 --reason "a pretrained base" --now
    rejoinder rebase start Qwen/Qwen3-0.6B --recipe my_recipe.yaml --reason "more languages"
    """
    if recipe is not None:
        recipe = check_recipe(recipe, None)
    pair = make_pair(frame, base_model)
    with open_store(frame) as engine:
        plan = make_rebase_plan(engine, pair, desk_id=DEFAULT_DESK)
        rebase = start_rebase(
            engine,
            plan,
            pair,
            recipe=recipe,
            actor=ACTOR,
            reason=require_reason(reason),
            desk_id=DEFAULT_DESK,
            now=SystemClock().now(),
        )
        if now:
            wait_for_run(frame, engine, str(rebase.run_id), quiet=as_json)
        standing = read_current(frame, engine)
    if as_json:
        print_json(standing.to_json())
        return
    click.echo(standing.next, err=True)
    click.echo(rebase.run_id)


def wait_for_run(frame: Frame, engine: Engine, run_id: str, *, quiet: bool) -> None:
    with some_worker(frame):
        run = watch_run(engine, run_id, quiet=quiet)
    if run["state"] != "done":
        told = run["error"] or "; ".join(str(reason.get("text", reason)) for reason in run["reasons"])
        raise CommandFailed(
            f"Run {run_id} {run['state']} at step {run['step']}: {told}\n"
            "Nothing that serves has changed. `rejoinder rebase cancel` gives this rebase up; started again, "
            "it finds the references that were computed."
        )


@command.command("status")
@frame_options
@json_option
def status_command(frame: Frame, as_json: bool) -> None:
    """Show where the latest rebase stands and what comes next. Exit code 3 if there has been none.

    \b
    rejoinder rebase status --json | jq -r .state
    """
    with open_store(frame) as engine:
        standing = read_current(frame, engine)
    if as_json:
        print_json(standing.to_json())
        return
    for line in describe_standing(standing):
        click.echo(line)


def read_current(frame: Frame, engine: Engine) -> RebaseStanding:
    policy = frame.policy().exposure
    with read(engine) as session:
        standing = read_standing(session, policy, desk_id=DEFAULT_DESK)
    if standing is None:
        raise NothingToDo("No rebase yet: rejoinder rebase plan NEW_BASE")
    return standing


def describe_standing(standing: RebaseStanding) -> list[str]:
    row, run = standing.rebase, standing.run
    told: dict[str, Any] = {
        "rebase": f"{row.old_base_model} -> {row.base_model}: {row.state} ({row.actor}: {row.reason})",
        "serves": f"the {'new' if standing.serves_new else 'old'} base, {standing.serves or 'alone'}",
        "run": f"{run.id}: {run.state}" + (f" at {run.step}, {run.progress:.0%}" if run.step else ""),
        "adapter": f"{run.adapter or 'none yet'}" + (f", {run.decision} by the gate" if run.decision else ""),
    }
    lines = [f"{name:<9} {value}" for name, value in told.items()]
    lines += [f"duel      {one.name}: {one.state}, /console/duels/{one.id}" for one in standing.duels]
    for arm, limits in standing.limits.items():
        lines += [
            f"limit     {arm}: {describe_limit(one)}{'' if one.is_reached else ', missed'}" for one in limits
        ]
    return [*lines, f"next      {standing.next}"]


command.add_command(compare_command)
command.add_command(switch_command)
command.add_command(cancel_command)
command.add_command(back_command)
