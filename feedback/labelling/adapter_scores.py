"""The expert scores of an adapter from what is stored: rounds that are closed, without labellers left out."""

from collections import defaultdict
from collections.abc import Collection

from sqlmodel import Session

from feedback.labelling.kinds import SCORES
from feedback.labelling.scores import ExpertScores, ScoredPrompt, measure_scores
from feedback.records.from_label import RATE
from feedback.records.weights import weigh_evidence
from feedback.store.duels import CLOSED
from feedback.store.exclusions import read_excluded
from feedback.store.reliabilities import list_reliabilities
from feedback.store.scores import ScoredReply, list_scored_replies, list_scores, list_scoring


def read_scores(session: Session, *, desk_id: str, adapter: str) -> ExpertScores:
    """What experts think of this adapter's replies. An open round tells nothing, so that nobody is swayed."""
    task_ids = [
        duel.task_id
        for duel in list_scoring(session, desk_id=desk_id, adapter=adapter)
        if duel.state == CLOSED
    ]
    weights = {
        row.labeller: weigh_evidence(row.accuracy, row.items, len(SCORES))
        for row in list_reliabilities(session, desk_id=desk_id, kind=RATE)
    }
    return measure_scores(gather_prompts(session, desk_id=desk_id, task_ids=task_ids), weights)


def gather_prompts(session: Session, *, desk_id: str, task_ids: Collection[str]) -> list[ScoredPrompt]:
    """Each prompt with the differences of those who rated both of its replies."""
    said = list_scores(session, task_ids=task_ids)
    excluded = set(read_excluded(session, desk_id=desk_id, kind=RATE))
    rounds: defaultdict[str, list[ScoredReply]] = defaultdict(list)
    for reply in list_scored_replies(session, task_ids=task_ids):
        rounds[reply.round_id].append(reply)
    found = []
    for replies in rounds.values():
        first = replies[0]
        items = {reply.is_tuned: reply.item_id for reply in replies}
        differences = None
        if None not in items:
            tuned, base = (said.get(items.get(is_tuned, ""), {}) for is_tuned in (True, False))
            both = (tuned.keys() & base.keys()) - excluded
            differences = {labeller: tuned[labeller] - base[labeller] for labeller in sorted(both)}
        found.append(ScoredPrompt(first.conversation, first.tags, differences))
    return found
