"""`rejoinder report`: the report of a run, for people, for machines, and as an exit code for cron."""

from typing import Any

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.advice.gather import advise_now, advise_on_run
from feedback.clock import SystemClock
from feedback.drift.watch import watch_now
from feedback.errors import NotFound
from feedback.morning.gather import say_now
from feedback.morning.words import EFFECTS
from feedback.run_report.facts import read_facts
from feedback.run_report.need import describe_need
from feedback.run_report.report import compose_run_report
from feedback.store.engine import read
from feedback.store.run_history import find_latest_ended
from feedback.store.tables import DEFAULT_DESK

LATEST = "latest"
WORDS = {"never_staged": "passed; never staged"}  # of outcomes that are no word of their own


@click.command("report")
@frame_options
@click.argument("run", default=LATEST)
@json_option
def command(frame: Frame, run: str, as_json: bool) -> None:
    """Tell what to do now, and what RUN met, did and decided; `latest` is the last one that ended.

    Exit codes: 0 a new adapter was put into service, or passed by a method that is never staged; 1 the run
    failed, or no model server took its adapter: somebody has to look; 2 there is no such run; 3 nothing new
    serves, because the run was skipped, refused or cancelled, or its adapter waits for the policy or a
    person.

    \b
    rejoinder report
    rejoinder report 1f0c2b9e-... --json | jq .morning
    rejoinder train --now; rejoinder report > night.txt || mail -s "Rejoinder" desk@example.org < night.txt
    """
    report = read_run_report(frame, run)
    if as_json:
        print_json(report)
    else:
        for line in describe(report):
            click.echo(line)
    if report["exit_code"]:
        raise click.exceptions.Exit(report["exit_code"])


def read_run_report(frame: Frame, run: str) -> dict[str, Any]:
    """Reads the report. Raises UsageError for an unknown id, RunNotEnded, NothingToDo before a first run."""
    with open_store(frame) as engine:
        if run == LATEST:
            with read(engine) as session:
                latest = find_latest_ended(session, desk_id=DEFAULT_DESK)
            if latest is None:
                raise NothingToDo("No run has ended yet: `rejoinder train --now` makes one.")
            run = latest.id
        now = SystemClock().now()
        try:
            facts = read_facts(engine, run, now=now)
        except NotFound as unknown:  # exit code 2, since 1 means that a run failed
            raise click.UsageError(
                f"No run has the id {run!r}. `rejoinder status` and the console list them."
            ) from unknown
        with read(engine) as session:
            said = say_now(session, frame.outlook(), now=now)
            watch = watch_now(session, now=now)
            advice = advise_now(session, frame.outlook(), now=now)
            run_advice = advise_on_run(session, facts.run, frame.outlook())
    told = {"advice": advice.to_json(), "run_advice": run_advice.to_json()}
    return compose_run_report(facts, said, watch, **told)


def describe_curve(curve: dict[str, Any]) -> str:
    """One curve in a line: for training its mean over the last epoch, since a step sees only a few choices;
    for held-out checks the first, best and last value.
    """
    if mean := curve["epoch"]:
        over = "the last epoch" if mean["is_epoch"] else "the last steps"
        return f"{mean['value']:.4f}, mean over {over} ({mean['steps']} steps)"
    first, best, last = (curve[point]["value"] for point in ("first", "best", "last"))
    return f"first {first:.4f}, best {best:.4f}, last {last:.4f}"


def describe_morning(found: dict[str, Any]) -> list[str]:
    """How all stands and each drift alarm, both with what to do."""
    told = [("now", found["morning"]["text"]), ("next", found["morning"]["action"]["text"])]
    for alarm in found["drift"]["alarms"]:
        told += [("drift", alarm["text"]), ("drift", alarm["action"]["text"])]
    return [f"{name:<10} {text}" for name, text in told]


def describe_advice(advice: dict[str, Any]) -> list[str]:
    """What would help, in one paragraph, and the next command."""
    return [f"advice     {advice['text']}", f"command    {advice['command']}"]


def describe(report: dict[str, Any]) -> list[str]:
    """The report on one screen: the state and what to do, then one fact per line."""
    run, came, refused = report["run"], report["came_in"], report["refused"]
    scores, exposed = report["scores"] or {}, report["exposure"]["adapter"]
    lines = [
        *describe_morning(report),
        *describe_advice(report["advice"]),
        f"run        {run['id']} {run['state']}: {WORDS.get(report['outcome'], report['outcome'])}",
        f"came in    {came['conversations']} conversations, {count_all(came['judgements'])}, "
        f"thumbs {came['thumbs']['up']} up {came['thumbs']['down']} down",
        f"choices    {refused['choices']} of {refused['judgements']} judgements, {refused['pairs']} pairs",
    ]
    lines += [f"refused    {row['count']} {row['reason']}: {row['text']}" for row in refused["reasons"]]
    if report["dataset"]:
        lines.append(f"dataset    {report['dataset']['id']}")
        lines += [f"withdrawn  its source {name} is withdrawn now" for name in report["dataset"]["withdrawn"]]
    for name in ("loss", "decision_loss", "held_out_loss"):
        if curve := report["curves"].get(name):
            lines.append(f"{name:<10} {describe_curve(curve)}")
    if report["need"]:
        lines.append(f"need       {describe_need(report['need'])}")
    if report["run_advice"]["what"] != "nothing_trained":
        lines.append(f"recipe     {report['run_advice']['text']}")
    if report["unpacked"]:
        lines.append(f"rows       one reply a row, which is slower and as right: {report['unpacked']}")
    for name in ("uniform", "base", "serving", "adapter"):
        if scores.get(name):
            lines.append(f"{name:<10} {scores[name]['log_loss']:.4f} nats per held-out choice")
    if report["decision"]["verdict"]:
        lines.append(f"decision   {report['decision']['verdict']}")
    for reason in report["decision"]["reasons"]:
        lines.append(
            f"reason     {reason['code']}: {reason['text']} ({reason['value']}, limit {reason['limit']})"
        )
        if reason["remedy"]:
            lines.append(f"helps      {reason['remedy']}")
    for check in report["decision"]["checks"]:
        sense = "<=" if check["sense"] == "at most" else ">="
        mark = "met" if check["met"] else "MISSED"
        lines.append(f"limit      {mark:<6} {check['code']}: {check['value']} {sense} {check['limit']}")
    if exposed:
        lines.append(
            f"adapter    {exposed['name']} {exposed['state']}, {describe_support(exposed['support'])}"
        )
    for served in report["exposure"]["serving"]:
        if exposed is None or served["adapter"] != exposed["name"]:
            support = describe_support(served["support"])
            lines.append(f"{served['role']:<10} {served['adapter']}, {support}")
    lines += [f"customers  {describe_reactions(row)}" for row in report["reactions"] if row["replies"]]
    lines += [f"{step['step']:<10} {step['seconds']:.1f} s" for step in report["steps"]]
    return lines


def describe_reactions(row: dict[str, Any]) -> str:
    """What customers did after the replies of one arm, in a line."""
    who = " ".join(filter(None, (row["role"], row["adapter"])))
    told = (
        f"{name.replace('_', ' ')} {found['count']} ({found['low']:.1%} to {found['high']:.1%})"
        for name, found in row["reactions"].items()
    )
    return f"after {row['replies']} replies of {who}: {', '.join(told)}"


def count_all(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "no judgement"


def describe_support(support: dict[str, Any]) -> str:
    if support["rate"] is None:
        return "no counted pick yet"
    return (
        f"{support['rate']:.1%} of {support['counted']} picks "
        f"({support['low']:.1%} to {support['high']:.1%}: {EFFECTS[support['band']]})"
    )
