"""The pages about tags: the tree with its counts and what could be adopted, one tag with its words and a
merge tried out, and the proposals of patterns. Every change is a call of `feedback/api/tags.py`.
"""

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.datasets.tagged import list_with_tags
from feedback.errors import ApiError
from feedback.store.datasets import select_datasets
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from feedback.store.tables import DefinitionChange
from feedback.store.tag_changes import preview_adoption
from feedback.store.tag_counts import TagCount, count_tags_of, count_with_tags
from feedback.store.tag_proposals import list_tag_proposals
from feedback.store.tags import TAG_KIND, get_tag, list_tags, read_tag_tree
from feedback.tags.edits import plan_merge
from feedback.tags.tree import ACTIVE, MERGED
from feedback.web.auth import allow, current_actor
from feedback.web.languages import current_language
from feedback.web.refusals import find_sentence
from feedback.web.services import services

bp = Blueprint("console_tags", __name__, url_prefix="/console/tags")

SHOWN_CHANGES, SHOWN_STRINGS, SHOWN_PROPOSALS, MOST_DATASETS = 20, 200, 100, 1_000
SPLITS = ("train", "validation", "test")
DID = {
    "adopt": _("strings adopted"),
    "add": _("added"),
    "rename": _("renamed"),
    "move": _("moved"),
    "merge": _("merged into another one"),
    "retire": _("retired"),
    "restore": _("restored"),
    "describe": _("described"),
    "undo": _("taken back"),
}
STATE_WORDS = {ACTIVE: _("in use"), MERGED: _("merged"), "retired": _("retired")}


@bp.get("")
@allow("expert")
def show_tree() -> str:
    """The tree with counts by split, strings that could be adopted, and the latest changes."""
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        tree = read_tag_tree(store, desk_id=desk_id)
        rows = list_tags(store, desk_id=desk_id)
        counts = count_tags_of(store, desk_id=desk_id, tree=tree)
        adoption = preview_adoption(store, desk_id=desk_id)
        changes = list_definition_changes(store, desk_id=desk_id, kind=TAG_KIND, limit=SHOWN_CHANGES)
    return render_template(
        "console/tags.html",
        tree=tree,
        rows=rows,
        counts=counts,
        nothing=TagCount(),
        splits=SPLITS,
        adoption=adoption,
        shown_strings=SHOWN_STRINGS,
        changes=changes,
        undone=list_undone(changes),
        describe_change=describe_change,
        title_of=title_of,
        state_words=STATE_WORDS,
    )


@bp.get("/<tag_id>")
@allow("expert")
def show_tag_page(tag_id: str) -> str:
    """One tag: what it means, its words and strings, its proposals; with `into`, what a merge would do."""
    desk_id, into = current_actor().desk_id, request.args.get("into") or None
    with read(services().store_engine) as store:
        tag = get_tag(store, desk_id=desk_id, tag_id=tag_id)
        tree = read_tag_tree(store, desk_id=desk_id)
        strings = tree.expand([tree.path_of(tag_id)])
        conversations, records = count_with_tags(store, desk_id=desk_id, strings=strings)
        versions = [row.id for row in select_datasets(store, desk_id=desk_id, limit=MOST_DATASETS)]
        changes = list_definition_changes(store, desk_id=desk_id, kind=TAG_KIND, key=tag_id)
        proposals = [] if not tag.patterns else list_tag_proposals(store, desk_id=desk_id, tag_id=tag_id)
    below = tree.list_below(tag_id) if tag_id in tree.paths else []
    return render_template(
        "console/tag.html",
        tag=tag,
        tree=tree,
        path=tree.path_of(tag_id),
        above=[] if tag_id not in tree.paths else tree.list_above(tag_id)[:-1],
        below=below,
        aliases=sorted(name for name, id in tree.aliases.items() if id == tag_id),
        reach={"conversations": conversations, "records": records, "versions": len(versions)},
        datasets=list_with_tags(services().settings.data_dir, versions, strings),
        others={
            id: path for id, path in tree.paths.items() if id not in below and tree.nodes[id].state == ACTIVE
        },
        merge=None if into is None else try_merge(tree, tag_id, into),
        changes=changes,
        undone=list_undone(changes),
        describe_change=describe_change,
        proposals=len(proposals),
        title_of=title_of,
        state_words=STATE_WORDS,
    )


@bp.get("/proposals")
@allow("expert")
def show_proposals() -> str:
    """What patterns propose, newest first, to be confirmed or rejected by keys."""
    desk_id, tag_id = current_actor().desk_id, request.args.get("tag_id", "").replace("\0", "") or None
    with read(services().store_engine) as store:
        if tag_id is not None:
            get_tag(store, desk_id=desk_id, tag_id=tag_id)
        tree = read_tag_tree(store, desk_id=desk_id)
        rows = list_tags(store, desk_id=desk_id)
        found = list_tag_proposals(store, desk_id=desk_id, tag_id=tag_id, limit=SHOWN_PROPOSALS)
    return render_template(
        "console/tag_proposals.html",
        proposals=found,
        paths=tree.paths,
        tag_id=tag_id,
        has_patterns=any(row.patterns for row in rows.values() if row.state == ACTIVE),
        has_tags=bool(tree.paths),
    )


def try_merge(tree: Any, tag_id: str, into: str) -> dict[str, str | None]:
    """What stands in the way of a merge, or nothing."""
    if into not in tree.nodes:
        return {"into": into, "path": "", "refused": find_sentence("tag_not_found"), "why": ""}
    told: dict[str, str | None] = {"into": into, "path": tree.path_of(into), "refused": None, "why": ""}
    try:
        plan_merge(tree, tag_id, into)
    except ApiError as refusal:
        told |= {"refused": find_sentence(refusal.code), "why": getattr(refusal, "named", "")}
    return told


def list_undone(changes: Any) -> set[int]:
    """The numbers of the changes without a button to take them back: those that were taken back already, and
    new words for what a tag means.
    """
    taken_back = {row.what["undoes"] for row in changes if "undoes" in row.what}
    return taken_back | {row.id for row in changes if "edit" not in row.what}


def describe_change(row: DefinitionChange) -> str:
    what = row.what
    words = str(DID.get(what["did"], what["did"]))
    if what["did"] == "undo":
        words = gettext("taken back: %(what)s", what=str(DID.get(what.get("was", ""), "")))
    told = what.get("named") or ""
    to = what.get("to") or (gettext("the top") if what["did"] == "move" else "")
    return " ".join(filter(None, (told, words, f"→ {to}" if to else "")))


def title_of(tag: Any) -> str:
    """The title in the reader's language, if the tag has one."""
    return str(tag.title.get("zh" if current_language().startswith("zh") else "en", ""))
