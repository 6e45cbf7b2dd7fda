"""Finds the address of a step from what a person types.

This may be an id from any page of Rejoinder, at least its first eight characters, the fencing token of a
deployment, or the address `kind:id` itself.
"""

from collections.abc import Sequence

from sqlmodel import Session

from feedback.errors import ApiError
from feedback.lineage.graph import Ref
from feedback.lineage.kinds import KINDS
from feedback.store.lineage import find_import, find_named, find_row

MIN_PREFIX = 8
MOST_NAMED = 10
MAX_LENGTH = 400


class IdUnknown(ApiError):
    def __init__(self, text: str) -> None:
        super().__init__(
            404,
            "id_unknown",
            f"Nothing here is called {text[:80]!r}.",
            "Give the id of a message, judgement, set, record, dataset, run or adapter, or a deployment's "
            f"fencing token; at least {MIN_PREFIX} characters of its beginning will do.",
        )


class IdAmbiguous(ApiError):
    """The text fits several steps; `candidates` are the first of them."""

    def __init__(self, text: str, candidates: Sequence[Ref], is_whole: bool) -> None:
        self.candidates = tuple(candidates)
        super().__init__(
            409,
            "id_ambiguous",
            f"{text!r} is {'the id' if is_whole else 'the beginning'} of several: "
            + ", ".join(map(str, candidates))
            + (" and maybe more." if len(candidates) >= MOST_NAMED else "."),
            "Write one of these." if is_whole else "Write one of these, or more characters.",
        )


def find_ref(session: Session, *, desk_id: str, text: str) -> Ref:
    """The step that `text` names. A judgement and its choice share one id, which is read as the judgement.

    Raises IdUnknown and IdAmbiguous. An address is believed; looking it up tells whether it is there.
    """
    text = text.strip()
    kind, _, id = text.partition(":")
    if kind in KINDS and id:
        return Ref(kind, id)
    if not text or len(text) > MAX_LENGTH or "\0" in text:
        raise IdUnknown(text)
    for is_prefix in (False, True):
        if is_prefix and len(text) < MIN_PREFIX:
            break
        named = find_named(session, desk_id=desk_id, text=text, is_prefix=is_prefix, limit=MOST_NAMED)
        found = [Ref(*pair) for pair in named]
        if not is_prefix:
            interval = find_row(session, desk_id=desk_id, kind="deployment", id=text)
            found += [Ref("deployment", str(interval.fencing_token))] if interval else []
            # Records are called `source/identity`, as the pages write them.
            kinds = () if found or "/" not in text else ("choice", "pair", "thumb")
            found += [
                Ref(kind, text)
                for kind in kinds
                if find_import(session, desk_id=desk_id, kind=kind, named=text)
            ]
        if len(found) == 1:
            return found[0]
        if found:
            raise IdAmbiguous(text, found[:MOST_NAMED], is_whole=not is_prefix)
    raise IdUnknown(text)
