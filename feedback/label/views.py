"""The list of a labeller's tasks, and the page of one task, which shows one item after the other."""

from flask import Blueprint, render_template

from feedback.labelling.kinds import MAX_TEXT
from feedback.web.auth import allow

bp = Blueprint("label", __name__)


@bp.get("/label")
@allow("labeller", "agent", "expert")
def list_offered_tasks() -> str:
    """The page that lists the tasks which its reader may label."""
    return render_template("label/tasks.html")


@bp.get("/label/<task_id>")
@allow("labeller", "agent", "expert")
def show_task(task_id: str) -> str:
    """The page of one task: conversation, question, answers."""
    return render_template("label/task.html", task_id=task_id, max_text=MAX_TEXT)
