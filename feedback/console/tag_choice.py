"""The filter by tag of a page: what was asked for, and the tags to choose from."""

from flask import request
from sqlmodel import Session

from feedback.store.tags import read_tag_tree

LONGEST_PATH = 600


def asked_tag() -> str | None:
    """The tag in the page's address; None for all."""
    return request.args.get("tag", "").replace("\0", "").strip()[:LONGEST_PATH] or None


def list_tag_paths(session: Session, *, desk_id: str) -> list[str]:
    return list(read_tag_tree(session, desk_id=desk_id).paths.values())
