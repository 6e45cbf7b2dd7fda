"""The lineage pages: for any id, what it came from and what was made from it. For experts and admins.

Only the page of a judged set shows which arm (base or tuned) each reply came from. Whoever opens it is
recorded as no longer blind to that set.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import lazy_gettext as _

from feedback.console.labels import compared_words, refusal_words, words_of
from feedback.errors import ApiError
from feedback.lineage.find import IdAmbiguous, find_ref
from feedback.lineage.graph import Graph, Ref, TraceStep, lay_path, walk
from feedback.lineage.steps import Tracer, pick_key_facts, shorten_id, show_fact
from feedback.store.engine import read, unit_of_work
from feedback.store.sets import SetNotJudged, unblind_set
from feedback.web.auth import allow, current_actor
from feedback.web.error_pages import wants_page
from feedback.web.languages import show_share
from feedback.web.services import services

bp = Blueprint("console_lineage", __name__, url_prefix="/console/lineage")

KINDS = {
    "message": _("message"),
    "set": _("set"),
    "judgement": _("judgement"),
    "choice": _("choice"),
    "pair": _("pair"),
    "thumb": _("thumb"),
    "text": _("text"),
    "dataset": _("dataset"),
    "run": _("run"),
    "adapter": _("adapter"),
    "duel": _("duel"),
    "verdict": _("verdict"),
    "item": _("item"),
    "label": _("label"),
    "report": _("report"),
    "decision": _("decision"),
    "rollout": _("decision on picks"),
    "approval": _("approval or veto"),
    "deployment": _("serving interval"),
}
FACTS = {
    "actor": _("decided by"),
    "adapter": _("adapter"),
    "agent": _("agent"),
    "arms": _("where the replies came from"),
    "base": _("base"),
    "because": _("because"),
    "checkpoint": _("a whole model"),
    "comment": _("comment"),
    "confidence": _("confidence"),
    "conversation": _("conversation"),
    "counts": _("counts"),
    "datasets_gone": _("datasets that were erased or lost: nobody can tell"),
    "decision": _("decision"),
    "design": _("design"),
    "dwell_ms": _("took, in ms"),
    "earlier": _("adapter merged into the base before"),
    "ended_by": _("ended by"),
    "erased_at": _("erased"),
    "error": _("error"),
    "evidence": _("evidence"),
    "files": _("files"),
    "finished_at": _("finished"),
    "from": _("from"),
    "imported_at": _("imported"),
    "judged": _("sets judged"),
    "judged_at": _("judged"),
    "kind": _("kind"),
    "language": _("language"),
    "learned_erased_at": _("records it learnt from were erased"),
    "learned_withdrawn": _("learnt from sources that are withdrawn now"),
    "log_loss": _("nats per choice"),
    "manifest": _("files"),
    "method": _("method"),
    "mix": _("general set mixed in"),
    "n": _("choices"),
    "name": _("name"),
    "objective": _("objective"),
    "origin": _("origin"),
    "outcome": _("outcome"),
    "picked": _("picked"),
    "picks_needed": _("picks still needed"),
    "policy": _("policy"),
    "prepared_at": _("prepared"),
    "reason": _("reason"),
    "reasons": _("reasons"),
    "recipe": _("recipe"),
    "records": _("records"),
    "refusals": _("left out"),
    "refused": _("no choice, because"),
    "replies": _("replies"),
    "requested_by": _("asked for by"),
    "retracted_at": _("taken back"),
    "revealed_at": _("shown"),
    "rival": _("against"),
    "role": _("role"),
    "said": _("said"),
    "selection": _("selection"),
    "sets": _("sets generated"),
    "settled_at": _("settled"),
    "share": _("share"),
    "since": _("since"),
    "slots": _("place on screen"),
    "source": _("source"),
    "split": _("by split"),
    "splits": _("dataset and split"),
    "started_at": _("started"),
    "started_by": _("started by"),
    "state": _("state"),
    "step": _("step"),
    "tag": _("by tag"),
    "tags": _("tags"),
    "task": _("task"),
    "text": _("text"),
    "to": _("to"),
    "unblinded": _("judged after the reveal"),
    "undone": _("taken back"),
    "until": _("until"),
    "value": _("value"),
    "verdict": _("verdict"),
    "why": _("why"),
    "withdrawn": _("sources that are withdrawn now"),
}
CODES = {
    "customer": _("customer"),
    "verbatim": _("sent as suggested"),
    "edited": _("edited, then sent"),
    "person": _("written by a person"),
    "bot": _("written by a program, or nobody says by whom"),
    "erased": _("erased"),
    "missing": _("missing"),
    "a": _("A is better"),
    "b": _("B is better"),
    "both_bad": _("Both bad"),
}
MOMENTS = ("since", "until")
PLACES = ("slots", "picked")
CODED = (
    "kind",
    "state",
    "role",
    "decision",
    "from",
    "to",
    "origin",
    "started_by",
    "step",
    "files",
    "verdict",
)


@dataclass(frozen=True)
class Fact:
    """A fact to show; `moment` is set if it is a time, `link` if it has a page."""

    name: str
    text: str
    moment: datetime | None = None
    link: str | None = None


@bp.get("")
@allow("expert")
def search() -> tuple[str, int]:
    """The search field, or the page of the id that was typed into it."""
    return render_lineage(request.args.get("id", ""))


@bp.get("/<path:id>")
@allow("expert")
def show_lineage(id: str) -> tuple[str, int]:
    """What an id is, what it came from and what was made from it."""
    return render_lineage(id)


def render_lineage(text: str) -> tuple[str, int]:
    """The lineage page of the id `text`, or the search field with the error."""
    if not text.strip():
        return render_template("console/lineage.html", asked=""), 200
    try:
        graph = walk_both_ways(text)
    except ApiError as fault:
        if not wants_page():
            raise
        several = fault.candidates if isinstance(fault, IdAmbiguous) else ()
        return (
            render_template("console/lineage.html", asked=text, fault=fault, several=several, **tools()),
            fault.status,
        )
    start = graph.steps[graph.start]
    return (
        render_template(
            "console/lineage.html",
            asked=text,
            graph=graph,
            start=start,
            facts=format_facts(start, list(start.facts)),
            back=lay_path(graph, "before"),
            forward=lay_path(graph, "after"),
            revealed="arms" in start.facts,
            **tools(),
        ),
        200,
    )


def tools() -> dict[str, Callable[..., object]]:
    return {
        "kind_words": lambda kind: KINDS[kind],
        "address_of": address_of,
        "shorten_id": shorten_id,
        "brief": lambda step: format_facts(step, list(pick_key_facts(step))),
    }


def walk_both_ways(text: str) -> Graph:
    """The lineage graph around the id `text`, in both directions. Raises IdUnknown, IdAmbiguous, NotFound."""
    found, actor = services(), current_actor()
    tracer = Tracer(found.store_engine, found.settings.data_dir, actor.desk_id)
    with read(found.store_engine) as store:
        ref = find_ref(store, desk_id=actor.desk_id, text=text)
    graph = walk(tracer.find_step, ref)
    if "arms" not in graph.steps[ref].facts:
        return graph
    try:
        with unit_of_work(found.store_engine) as store:
            unblind_set(
                store,
                desk_id=actor.desk_id,
                set_id=ref.id,
                agent=actor.agent_name(),
                now=found.clock.now(),
            )
    except SetNotJudged:  # the judgement was taken back a moment ago: its arms are hidden again
        return walk(tracer.find_step, ref)
    return graph


def address_of(ref: Ref) -> str:
    """The URL of a step: its own page, else its lineage page. An id with slashes goes into a query
    parameter.
    """
    if ref.kind == "dataset":
        return url_for("console.show_dataset", dataset_id=ref.id)
    if ref.kind == "run":
        return url_for("console.show_run", run_id=ref.id)
    if ref.kind == "duel":
        return url_for("console_duels.show_duel", duel_id=ref.id)
    if ref.kind in ("adapter", "report"):
        return url_for("console.show_adapter", name=ref.id)
    return url_for("console_lineage.search" if "/" in ref.id else "console_lineage.show_lineage", id=str(ref))


def format_facts(step: TraceStep, names: Sequence[str]) -> list[Fact]:
    return [format_fact(name, step.facts[name]) for name in names if name != "why" or "refused" not in names]


def format_fact(name: str, value: Any) -> Fact:
    label = str(FACTS.get(name, name.replace("_", " ")))
    if name in MOMENTS or name.endswith("_at"):
        return Fact(label, value, moment=datetime.fromisoformat(value))
    if name == "ended_by":
        return Fact(label, value, link=address_of(Ref(*value.split(":", 1))))
    if name == "adapter":
        return Fact(label, value, link=address_of(Ref(name, value)))
    return Fact(label, format_fact_value(name, value))


def format_fact_value(name: str, value: Any) -> str:
    """A fact's value as text: codes in words, places counted from one, shares in percent."""
    if name in CODED:
        return str(CODES[value]) if value in CODES else words_of(value)
    if name == "refused":
        return refusal_words(value)
    if name == "refusals":
        return pair_up((refusal_words(reason), count) for reason, count in value.items())
    if name == "arms":
        return pair_up((each["slot"] + 1, words_of(each["arm"])) for each in value)
    if name in PLACES:
        return list_up(str(place + 1) for place in value)
    if name == "share":
        return show_share(value)
    if name == "records":
        return list_up(f"{KINDS[form]} {count}" for form, count in value.items())
    if name == "log_loss":
        return list_up(f"{compared_words(rule)} {nats}" for rule, nats in value.items())
    return show_fact(value)


def list_up(texts: Iterable[str]) -> str:
    return str(_(", ")).join(texts)


def pair_up(pairs: Iterable[tuple[object, object]]) -> str:
    colon = _(": ")
    return str(_("; ")).join(f"{name}{colon}{value}" for name, value in pairs)
