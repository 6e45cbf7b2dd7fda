"""Reads the facts for advice in the caller's transaction: a few GROUP BYs, and the latest edits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.advice.desk_rules import TREND, advise_desk
from feedback.advice.facts import DeskFacts, PickPlaces, RunFigures, Served
from feedback.advice.form import count_forms
from feedback.advice.run_facts import read_run
from feedback.advice.run_rules import advise_run
from feedback.advice.said import Advice
from feedback.experiments.account import read_support
from feedback.experiments.funnel import count_funnel
from feedback.morning.outlook import Outlook
from feedback.records.derived import UNDONE
from feedback.run_report.stages import find_last_stage
from feedback.store import learnable, runs
from feedback.store.deployments import serving_state
from feedback.store.desks import find_system_prompt
from feedback.store.learnable import PickedPlace
from feedback.store.new_records import count_new_choices, count_new_thumbs
from feedback.store.new_texts import count_written_texts
from feedback.store.record_counts import count_given
from feedback.store.run_history import list_evaluated, read_numbers
from feedback.store.sources import read_left_out
from feedback.store.tables import DEFAULT_DESK, Run
from feedback.store.tag_counts import count_tags_of
from feedback.store.tags import read_tag_tree

EDITS = 400  # the latest ones whose texts are read
PICKS = 5_000  # the latest ones whose places are counted


def advise_now(session: Session, outlook: Outlook, *, now: datetime, desk_id: str = DEFAULT_DESK) -> Advice:
    return advise_desk(gather_desk(session, outlook, now=now, desk_id=desk_id))


def advise_on_run(session: Session, run: Run, outlook: Outlook) -> Advice:
    limit, numbers = outlook.policy.offline.max_kl_to_base, read_numbers(session, run_id=run.id)
    return advise_run(read_run(run, find_last_stage(numbers), max_kl_to_base=limit))


def gather_desk(session: Session, outlook: Outlook, *, now: datetime, desk_id: str) -> DeskFacts:
    since = find_prompt_change(session, desk_id=desk_id)
    edits = learnable.list_edits(session, desk_id=desk_id, since=since, limit=EDITS)
    asked: Any = {"desk_id": desk_id, "but": tuple(read_left_out(session, desk_id=desk_id))}
    usable = learnable.count_usable(session, **asked)
    return DeskFacts(
        kinds=count_standing(session, since=since, desk_id=desk_id),
        edits=len(edits),
        forms=count_forms(edits),
        usable=usable,
        fresh=min(usable, count_fresh(session, desk_id=desk_id)),
        min_fresh=outlook.min_new_choices,
        texts=count_written_texts(session, **asked),
        thumbs=count_new_thumbs(session, desk_id=desk_id, since=None),
        tags=count_tag_rows(session, desk_id=desk_id),
        places=sum_places(learnable.count_places(session, desk_id=desk_id, limit=PICKS)),
        runs=[read_figures(run) for run in list_evaluated(session, desk_id=desk_id, limit=TREND)],
        max_replay_kl=outlook.policy.offline.max_replay_kl,
        served=find_served(session, now=now, desk_id=desk_id),
    )


def count_fresh(session: Session, *, desk_id: str) -> int:
    """The choices since the last run that trained, as the nightly job counts them; some are not usable."""
    trained = runs.latest_run(session, desk_id=desk_id, state="done", but=runs.REBASE)
    since = trained.started_at if trained is not None else None
    return count_new_choices(session, desk_id=desk_id, since=since)


def find_prompt_change(session: Session, *, desk_id: str) -> datetime | None:
    """When the system prompt was changed last: what people did to replies before says nothing of it."""
    prompt = find_system_prompt(session, desk_id=desk_id)
    return prompt.created_at if prompt is not None and prompt.version > 1 else None


def count_standing(session: Session, *, since: datetime | None, desk_id: str) -> Mapping[str, int]:
    given = count_given(session, desk_id=desk_id, since=since)
    return count_funnel(row for row in given if row.rejection != UNDONE).kinds


def count_tag_rows(session: Session, *, desk_id: str) -> dict[str, tuple[int, int]]:
    counts = count_tags_of(session, desk_id=desk_id, tree=read_tag_tree(session, desk_id=desk_id))
    return {tag: (count.rows, count.records.total()) for tag, count in counts.items()}


def sum_places(rows: Sequence[PickedPlace]) -> PickPlaces:
    compared = [row for row in rows if row.cards > 1]
    return PickPlaces(
        picks=sum(row.picks for row in compared),
        first=sum(row.picks for row in compared if row.slot == 0),
        fair=sum(row.picks / row.cards for row in compared),
    )


def read_figures(run: Run) -> RunFigures:
    report: dict[str, Any] = run.report or {}
    own, base, replay = (report.get(name) or {} for name in ("adapter", "base", "replay"))
    gain = base["log_loss"] - own["log_loss"] if own and base else None
    return RunFigures(run.id, round(gain, 4) if gain is not None else None, replay.get("kl"))


def find_served(session: Session, *, now: datetime, desk_id: str) -> Served | None:
    """The live adapter. About a canary the morning's sentence says whom it waits for."""
    name = serving_state(session, desk_id=desk_id).live
    if name is None:
        return None
    support, _fitted = read_support(session, name, now=now, desk_id=desk_id)
    return Served(name, support.tally)


class KeptAdvice:
    """Keeps the advice for a desk in the web process for an hour, or until another run has ended well."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, str | None, Advice]] = {}

    def read(self, session: Session, outlook: Outlook, *, now: datetime, desk_id: str) -> Advice:
        hour = now.replace(minute=0, second=0, microsecond=0)
        last = next(iter(list_evaluated(session, desk_id=desk_id, limit=1)), None)
        kept, run_id = self._kept.get(desk_id), last.id if last is not None else None
        if kept is None or kept[:2] != (hour, run_id):
            kept = hour, run_id, advise_now(session, outlook, now=now, desk_id=desk_id)
            self._kept[desk_id] = kept
        return kept[2]
