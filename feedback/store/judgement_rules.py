"""Checks an agent's judgement before anything is looked up: which fields each kind needs and forbids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedback.errors import BodyInvalid

Kind = Literal["pick", "edit", "own", "tie", "none", "skip"]


@dataclass(frozen=True)
class Verdict:
    """An agent's judgement as it was sent. `check_verdict` checks which fields its kind needs and forbids."""

    kind: Kind
    agent: str
    candidate_id: str | None = None  # the one sent, or edited
    candidate_ids: Sequence[str] = ()  # tie: the equally good ones
    both: bool = False  # tie of two: the customer picks which is sent
    text: str | None = None
    reasons: Sequence[str] = ()
    dwell_ms: int | None = None
    occurred_at: datetime | None = None


def check_verdict(verdict: Verdict) -> None:
    """Checks that the fields fit the kind; the error names all that do not."""
    kind, faults = verdict.kind, []
    if (verdict.candidate_id is None) == (kind in ("pick", "edit", "tie")):
        faults.append(f"candidate_id: {kind} {'needs it' if verdict.candidate_id is None else 'takes none'}")
    if (verdict.text is None) == (kind in ("edit", "own")):
        faults.append(f"text: {kind} {'needs it' if verdict.text is None else 'takes none'}")
    if kind == "tie":
        if len(set(verdict.candidate_ids)) < 2 or len(set(verdict.candidate_ids)) != len(
            verdict.candidate_ids
        ):
            faults.append("candidate_ids: tie needs at least two different ones")
        elif verdict.candidate_id not in verdict.candidate_ids:
            faults.append("candidate_ids: the candidate_id that is sent must be among them")
    elif verdict.candidate_ids:
        faults.append(f"candidate_ids: {kind} takes none")
    if verdict.both and (kind != "tie" or len(verdict.candidate_ids) != 2):
        faults.append("both: only a tie of two sends both")
    if faults:
        raise BodyInvalid(faults)
