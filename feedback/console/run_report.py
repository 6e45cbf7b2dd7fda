"""The page of the run report: printable, with links to the source of everything."""

from flask import Blueprint, render_template
from sqlmodel import Session

from feedback.advice.gather import advise_on_run
from feedback.console.reports import read_report, tabulate_counts
from feedback.console.run_curves import draw_stages
from feedback.morning.gather import say_now
from feedback.run_report.facts import read_facts
from feedback.run_report.replies import SideBySide, read_side_by_side
from feedback.run_report.report import compose_run_report
from feedback.store import datasets
from feedback.store.engine import read
from feedback.store.run_history import find_run_behind, read_numbers
from feedback.store.tables import Run
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_run_report", __name__, url_prefix="/console")

DRAWN = ("decision_loss", "loss", "held_out_loss")  # the others stand on the run's own page


@bp.get("/runs/<run_id>/report")
@allow("expert")
def show_report(run_id: str) -> str:
    """What a run found, did and decided, and the present state."""
    actor, found = current_actor(), services()
    now = found.clock.now()
    facts = read_facts(found.store_engine, run_id, now=now, desk_id=actor.desk_id)
    with read(found.store_engine) as store:
        said = say_now(store, found.outlook, now=now, desk_id=actor.desk_id)
        watch = found.watch.read(store, now=now, desk_id=actor.desk_id)
        advice = found.advice.read(store, found.outlook, now=now, desk_id=actor.desk_id)
        run_advice = advise_on_run(store, facts.run, found.outlook)
        behind = find_run_behind(store, desk_id=actor.desk_id, run=facts.run)
        before = read_numbers(store, run_id=behind.id) if behind else {}
        sides = find_sides(store, facts.run)
    told = {"advice": advice.to_json(), "run_advice": run_advice.to_json()}
    return render_template(
        "console/run_report.html",
        facts=facts,
        run=facts.run,
        report=compose_run_report(facts, said, watch, **told),
        said=said,
        watch=watch,
        advice=advice,
        run_advice=run_advice,
        stages=draw_stages(facts.run, facts.numbers, before, names=DRAWN),
        behind=behind,
        scores=read_report(facts.run.report),
        table=tabulate_counts(facts.dataset.counts) if facts.dataset else None,
        sides=sides,
    )


def find_sides(store: Session, run: Run) -> list[SideBySide]:
    """The example replies of base and adapter; None if a record of the dataset was erased. That is checked
    here because the file is removed only after no run works on it.
    """
    if run.dataset_id is not None:
        dataset = datasets.get_dataset(store, desk_id=run.desk_id, dataset_id=run.dataset_id)
        if dataset.erased_at is not None:
            return []
    return read_side_by_side(services().settings.data_dir, run.id)
