"""The pages about tasks of labelling: all of them with their progress and a form for a new one, one task with
what its labels are worth, and its disputes. What people decide there goes through the HTTP API.
"""

from flask import Blueprint, render_template, request

from feedback.console.label_words import KINDS, PAGE_WORDS
from feedback.console.tag_choice import list_tag_paths
from feedback.console.task_filling import preview, read_selection, read_selection_choices
from feedback.labelling.agreement import LEAST_ITEMS
from feedback.labelling.disputes import read_dispute
from feedback.labelling.quality import is_sealed, read_quality, tell_items
from feedback.records.item_states import DISPUTED
from feedback.store.engine import read
from feedback.store.label_counts import count_tiers
from feedback.store.labels import count_labels
from feedback.store.tasks import get_task, list_tasks
from feedback.store.text_checks import find_check_task
from feedback.store.users import list_users, name_agents
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_tasks", __name__, url_prefix="/console/tasks")

# `check` is not among them: a check is made on the page of the task that it checks.
GIVEN_KINDS = tuple(kind for kind in KINDS if kind != "check")


@bp.get("")
@allow("expert")
def show_tasks() -> str:
    """All tasks, newest first, with their progress."""
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        rows = list_tasks(store, desk_id=desk_id)
        counts = count_tiers(store, desk_id=desk_id, task_ids=[row.id for row in rows])
        labels = count_labels(store, task_ids=[row.id for row in rows])
        people = list_users(store, desk_id=desk_id)
        tags = list_tag_paths(store, desk_id=desk_id)
    return render_template(
        "console/tasks.html",
        tasks=rows,
        progress={row.id: tell_items(counts.get(row.id, {})) for row in rows},
        labels=labels,
        people=[person for person in people if person.active],
        tags=tags,
        given_kinds=GIVEN_KINDS,
        words=PAGE_WORDS,
    )


@bp.get("/<task_id>")
@allow("expert")
def show_task(task_id: str) -> str:
    """One task: how far it is, what its labels are worth, and its guideline."""
    actor, found = current_actor(), services()
    now = found.clock.now()
    with read(found.store_engine) as store:
        task = get_task(store, desk_id=actor.desk_id, task_id=task_id)
        quality = read_quality(store, task=task, now=now)
        names = name_agents(store, desk_id=actor.desk_id, agents=task.assigned)
        checked = task.checks_task_id and get_task(store, desk_id=actor.desk_id, task_id=task.checks_task_id)
        texts = find_check_task(store, task_id=task_id)
        choices = read_selection_choices(store, task=task, data_dir=found.settings.data_dir)
    asked = read_selection(request.args)
    counted = None
    if choices is not None and "count" in request.args:
        counted = preview(found.store_engine, data_dir=found.settings.data_dir, task=task, selection=asked)
    tiers = quality.progress.tiers.values()
    return render_template(
        "console/task.html",
        task=task,
        quality=quality,
        checked=checked,
        texts=texts,
        disputed=0 if quality.is_sealed else sum(states.get(DISPUTED, 0) for states in tiers),
        assigned=sorted(names.values(), key=str.casefold),
        least_items=LEAST_ITEMS,
        choices=choices,
        asked=asked,
        preview=counted,
        words=PAGE_WORDS,
    )


@bp.get("/<task_id>/disputes")
@allow("expert")
def show_disputes(task_id: str) -> str:
    """One dispute after the other: what people said, side by side and without names, to be decided."""
    after = request.args.get("after", 0, type=int)
    with read(services().store_engine) as store:
        task = get_task(store, desk_id=current_actor().desk_id, task_id=task_id)
        sealed = is_sealed(store, task)
        dispute = None if sealed else read_dispute(store, task=task, after=after)
    return render_template("console/disputes.html", task=task, dispute=dispute, words=PAGE_WORDS)
