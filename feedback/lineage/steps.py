"""One step of lineage by its address: what it is, and its neighbours in both directions.

Each kind has a function below. What one of them names as `after`, the other names as `before`. A step is read
in one short transaction; a dataset's files are read outside of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.choices.forms import ChoiceForm, PairForm, ThumbForm, read_form
from feedback.choices.judgements import DUEL, derive_choice
from feedback.choices.pairs import refuse_close
from feedback.choices.refusals import Refusal, explain
from feedback.choices.settle import settle_choice
from feedback.errors import NotFound
from feedback.exchange.layout import dataset_dir
from feedback.lineage.graph import Ref, Step
from feedback.lineage.members import iterate_members, read_members
from feedback.store import lineage as store
from feedback.store.choices import read_judged
from feedback.store.duel_verdicts import read_judged_rounds
from feedback.store.session import read
from feedback.store.tables import Dataset

SHOWN = 20  # records of a dataset, sets of an interval
EXCERPT = 200
LIVE = "live"
BOUNDS = ("uniform", "slot", "base", "adapter", "adapter_slot", "serving")


@dataclass(frozen=True)
class Tracer:
    """Looks steps up in one desk's store and in the files of its datasets."""

    store_engine: Engine
    data_dir: Path
    desk_id: str

    def look(self, ref: Ref) -> Step:
        """Raises NotFound, also for a kind that there is not."""
        looked = LOOKS.get(ref.kind)
        step = looked(self, ref) if looked else None
        if step is None:
            raise NotFound(ref.kind if looked else "step", ref.id)
        return step

    def look_message(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            found = store.find_message(session, desk_id=self.desk_id, message_id=ref.id)
        if found is None:
            return None
        row = found.message
        facts = {
            "role": row.role,
            "text": excerpt(row.text),
            "origin": row.origin,
            "retracted_at": stamp(row.retracted_at),
            "conversation": row.conversation_id,
            "source": found.source,
            "language": found.language,
            "tags": found.tags,
        }
        after = [Ref("set", found.set_id)] if found.set_id else []
        return Step(
            ref,
            row.created_at,
            known(facts),
            before=(Ref("judgement", found.judgement_id),) if found.judgement_id else (),
            after=(*after, *(Ref("thumb", id) for id in found.thumb_ids)),
        )

    def look_set(self, ref: Ref) -> Step | None:
        """Arms, adapter and the interval it was drawn in stay hidden until the set is judged."""
        with read(self.store_engine) as session:
            found = store.find_set_drawn(session, desk_id=self.desk_id, set_id=ref.id)
        if found is None:
            return None
        row, before = found.row, [Ref("message", found.message_id)]
        facts: dict[str, Any] = {
            "state": row.state,
            "replies": len(found.candidates),
            "prepared_at": stamp(row.prepared_at),
            "revealed_at": stamp(row.revealed_at),
            "judged_at": stamp(row.judged_at),
            "error": row.error,
            "base": row.base_id,
        }
        if found.is_judged:
            facts |= {
                "design": row.design,
                "adapter": row.adapter,
                "arms": [
                    {"slot": each.slot, "arm": each.arm, "adapter": each.adapter, "state": each.state}
                    for each in found.candidates
                ],
            }
            before += [Ref("deployment", str(fence)) for fence in found.fences]
        after = tuple(Ref("judgement", id) for id in found.judgement_ids)
        return Step(ref, row.created_at, known(facts), tuple(before), after)

    def look_judgement(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            found = store.find_judgement(session, desk_id=self.desk_id, judgement_id=ref.id)
            if found is None:
                return None
            row, undone_by = found
            named = [*row.candidate_ids, *([row.candidate_id] if row.candidate_id else [])]
            slots = store.list_slots(session, candidate_ids=named)
            agent = store.name_agent(session, agent=row.agent)
        facts = {
            "kind": row.kind,
            "slots": slots,
            "agent": agent,
            "text": excerpt(row.text),
            "reasons": row.reasons,
            "dwell_ms": row.dwell_ms,
            "undone": undone_by is not None or None,
            "unblinded": row.unblinded or None,
        }
        if row.undoes is not None:
            return Step(ref, row.created_at, known(facts), (Ref("judgement", row.undoes),))
        after = [Ref("choice", row.id)]
        after += [Ref("message", row.message_id)] if row.message_id else []
        after += [Ref("judgement", undone_by)] if undone_by else []
        return Step(ref, row.created_at, known(facts), (Ref("set", row.set_id),), tuple(after))

    def look_record(self, ref: Ref) -> Step | None:
        """A choice, pair or thumb: an imported one, or what a judgement or a customer's thumb came to."""
        with read(self.store_engine) as session:
            record = store.find_record(session, desk_id=self.desk_id, kind=ref.kind, named=ref.id)
        if record is None:
            return {"choice": self.look_choice, "thumb": self.look_thumb}.get(ref.kind, nothing)(ref)
        facts: dict[str, Any] = {
            "source": record.source,
            "conversation": record.conversation,
            "language": record.language,
            "tags": record.tags,
            "imported_at": stamp(record.created_at),
        }
        form = settle(ref.kind, record.body)
        facts |= tell_refusal(form) if isinstance(form, Refusal) else tell_choice(form)
        return self._held(ref, facts, record.at, record.created_at, record.source, record.identity, ())

    def look_choice(self, ref: Ref) -> Step | None:
        """What a judgement, or a verdict in a duel, came to: a choice, or the reason why there is none."""
        is_duel, id = ref.id.startswith(f"{DUEL}/"), ref.id.removeprefix(f"{DUEL}/")
        with read(self.store_engine) as session:
            if is_duel:
                found = read_judged_rounds(session, desk_id=self.desk_id, verdict_id=id)
            else:
                found = read_judged(session, desk_id=self.desk_id, judgement_id=id, with_tokens=False)
        if not found:
            return None
        ((judged, shown),) = found
        form = derive_choice(judged, shown)
        source = DUEL if is_duel else LIVE
        facts: dict[str, Any] = {
            "source": source,
            "conversation": shown.conversation,
            "language": shown.language,
            "tags": list(shown.tags),
        }
        facts |= tell_refusal(form) if isinstance(form, Refusal) else tell_choice(form)
        before = (Ref("verdict" if is_duel else "judgement", id),)
        return self._held(ref, facts, judged.at, judged.at, source, id, before)

    def look_thumb(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            found = store.find_thumb(session, desk_id=self.desk_id, thumb_id=ref.id)
        if found is None:
            return None
        row, counts = found
        facts = {
            "source": LIVE,
            "value": row.value,
            "counts": counts,
            "reasons": row.reasons,
            "comment": excerpt(row.comment),
        }
        before = (Ref("message", row.message_id),)
        return self._held(ref, facts, row.created_at, row.created_at, LIVE, row.id, before)

    def _held(
        self,
        ref: Ref,
        facts: dict[str, Any],
        at: datetime | None,
        stored_at: datetime,
        source: str,
        identity: str,
        before: tuple[Ref, ...],
    ) -> Step:
        """The step of a record, with every dataset that holds it; of an erased one nobody can tell."""
        with read(self.store_engine) as session:
            rows = store.list_datasets_since(session, desk_id=self.desk_id, since=stored_at)
        splits: dict[str, str] = {}
        gone: list[str] = []
        for row in rows:
            members = None if row.erased_at else read_members(dataset_dir(self.data_dir, row.id))
            if members is None:
                gone.append(row.id)
                continue
            split = members.find(ref.kind, source, identity)
            if split is not None:
                splits[row.id] = split
        facts |= {"splits": splits, "datasets_gone": gone}
        return Step(ref, at, known(facts), before, tuple(Ref("dataset", id) for id in splits))

    def look_dataset(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            row = store.find_dataset(session, desk_id=self.desk_id, dataset_id=ref.id)
            if row is None:
                return None
            made = store.list_made_of_dataset(session, desk_id=self.desk_id, dataset_id=ref.id)
        facts: dict[str, Any] = {
            "selection": known(row.selection),
            "refusals": row.refusals,
            "erased_at": stamp(row.erased_at),
        }
        before, more = self._open_dataset(row, facts)
        after = tuple(Ref(kind, id) for kind, id in made)
        return Step(ref, row.created_at, known(facts), before, after, more_before=more)

    def _open_dataset(self, row: Dataset, facts: dict[str, Any]) -> tuple[tuple[Ref, ...], int]:
        """Adds what the files hold to the facts; the first records, and how many more there are."""
        directory = dataset_dir(self.data_dir, row.id)
        members = None if row.erased_at else read_members(directory)
        if members is None:
            facts["files"] = "erased" if row.erased_at else "missing"
            return (), 0
        facts |= {"records": dict(members.counts)} | {name: dict(count) for name, count in members.by.items()}
        first = [member for member in islice(iterate_members(directory), SHOWN) if member.couple is None]
        refs = (Ref(member.form, address(member.source, member.id)) for member in first)
        return tuple(refs), sum(members.counts.values()) - len(first)

    def look_run(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            found = store.find_run(session, desk_id=self.desk_id, run_id=ref.id)
        if found is None:
            return None
        row, names = found
        facts = {
            "state": row.state,
            "started_by": row.kind,
            "requested_by": row.requested_by,
            "step": row.step,
            "decision": row.decision,
            "reasons": [str(reason.get("code")) for reason in row.reasons],
            "error": row.error,
            "recipe": (row.recipe or {}).get("name"),
            "objective": (row.recipe or {}).get("objective"),
            "started_at": stamp(row.started_at),
            "finished_at": stamp(row.finished_at),
        }
        before = (Ref("dataset", row.dataset_id),) if row.dataset_id else ()
        return Step(ref, row.created_at, known(facts), before, tuple(Ref("adapter", name) for name in names))

    def look_adapter(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            row = store.find_adapter(session, desk_id=self.desk_id, name=ref.id)
            if row is None:
                return None
            timeline = store.list_timeline(session, adapter=row)
            duels = store.list_duels_of(session, adapter=row)
        facts = {"state": row.state, "base": row.base_id, "manifest": row.manifest_sha256}
        parent = Ref("run", row.run_id) if row.run_id else None
        if parent is None and row.dataset_id:
            parent = Ref("dataset", row.dataset_id)
        after = [Ref(kind, id) for kind, id in timeline[:1]]
        after += [Ref("duel", id) for id in duels]
        return Step(ref, row.created_at, facts, (parent,) if parent else (), tuple(after))

    def look_duel(self, ref: Ref) -> Step | None:
        """A blind comparison; who said what is told once it is closed."""
        with read(self.store_engine) as session:
            found = store.find_duel(session, desk_id=self.desk_id, duel_id=ref.id, limit=SHOWN)
        if found is None:
            return None
        row, count, ids = found
        facts = {"name": row.name, "state": row.state, "adapter": row.adapter, "rival": row.rival}
        before = tuple(Ref("adapter", name) for name in (row.adapter, row.rival) if name)
        after = tuple(Ref("verdict", id) for id in ids)
        return Step(ref, row.created_at, known(facts), before, after, more_after=count - len(ids))

    def look_verdict(self, ref: Ref) -> Step | None:
        """What a judge said of a round; nothing of it before the duel is closed."""
        with read(self.store_engine) as session:
            found = store.find_verdict(session, desk_id=self.desk_id, verdict_id=ref.id)
            agent = store.name_agent(session, agent=found.row.judge) if found else None
        if found is None or not found.is_closed:
            return None
        row = found.row
        facts = {"verdict": row.verdict, "agent": agent, "undone": found.undone_by is not None or None}
        if row.undoes is not None:
            return Step(ref, row.created_at, known(facts), (Ref("verdict", row.undoes),))
        after = [Ref("choice", address(DUEL, row.id))]
        after += [Ref("verdict", found.undone_by)] if found.undone_by else []
        return Step(ref, row.created_at, known(facts), (Ref("duel", row.duel_id),), tuple(after))

    def look_report(self, ref: Ref) -> Step | None:
        """The offline report that stands with an adapter."""
        with read(self.store_engine) as session:
            row = store.find_adapter(session, desk_id=self.desk_id, name=ref.id)
            if row is None or not row.report:
                return None
            before, after = self._beside(session, row.name, ref)
        return Step(ref, row.created_at, tell_report(row.report), before, after)

    def look_decision(self, ref: Ref) -> Step | None:
        with read(self.store_engine) as session:
            event = store.find_event(session, desk_id=self.desk_id, event_id=as_number(ref.id))
            if event is None:
                return None
            before, after = self._beside(session, event.adapter, ref)
        facts = {
            "adapter": event.adapter,
            "from": event.from_state,
            "to": event.to_state,
            "reason": event.reason,
            "actor": event.actor,
        }
        return Step(ref, event.at, facts, before, after)

    def look_exposure(self, ref: Ref) -> Step | None:
        """A decision on the picks in service, with the evidence it was taken on."""
        with read(self.store_engine) as session:
            found = store.find_exposure(session, desk_id=self.desk_id, row_id=as_number(ref.id))
            if found is None:
                return None
            before, after = self._beside(session, found.adapter, ref)
        facts = {
            "adapter": found.adapter,
            "verdict": found.verdict,
            "because": [str(reason.get("code")) for reason in found.reasons],
            "evidence": known(found.evidence),
            "picks_needed": found.picks_needed,
            "policy": found.policy,
            "actor": found.actor,
        }
        return Step(ref, found.at, known(facts), before, after)

    def look_approval(self, ref: Ref) -> Step | None:
        """What a person said of an adapter."""
        with read(self.store_engine) as session:
            found = store.find_approval(session, desk_id=self.desk_id, row_id=as_number(ref.id))
            if found is None:
                return None
            before, after = self._beside(session, found.adapter, ref)
            actor = store.name_agent(session, agent=found.actor)
        facts = {"adapter": found.adapter, "verdict": found.kind, "reason": found.reason, "actor": actor}
        return Step(ref, found.at, known(facts), before, after)

    def look_deployment(self, ref: Ref) -> Step | None:
        """An interval of serving: from its row to the next one of its role."""
        with read(self.store_engine) as session:
            found = store.find_interval(session, desk_id=self.desk_id, fence=as_number(ref.id), limit=SHOWN)
            if found is None:
                return None
            before: tuple[Ref, ...] = ()
            after: tuple[Ref, ...] = ()
            if found.row.adapter is not None:
                before, after = self._beside(session, found.row.adapter, ref)
        sets = tuple(Ref("set", id) for id in found.newest)
        return Step(
            ref,
            found.row.at,
            tell_interval(found),
            before,
            (*after, *sets),
            more_after=found.judged - len(sets),
        )

    def _beside(self, session: Session, name: str, ref: Ref) -> tuple[tuple[Ref, ...], tuple[Ref, ...]]:
        """What stands beside a step in its adapter's story, which begins with the adapter itself."""
        adapter = store.find_adapter(session, desk_id=self.desk_id, name=name)
        assert adapter is not None, "every row of a story names its adapter by a foreign key"
        timeline = store.list_timeline(session, adapter=adapter)
        story = [Ref("adapter", name), *(Ref(kind, id) for kind, id in timeline)]
        place = story.index(ref)
        return (story[place - 1],), tuple(story[place + 1 : place + 2])


LOOKS: Mapping[str, Callable[[Tracer, Ref], Step | None]] = {
    "message": Tracer.look_message,
    "set": Tracer.look_set,
    "judgement": Tracer.look_judgement,
    "choice": Tracer.look_record,
    "pair": Tracer.look_record,
    "thumb": Tracer.look_record,
    "dataset": Tracer.look_dataset,
    "run": Tracer.look_run,
    "adapter": Tracer.look_adapter,
    "duel": Tracer.look_duel,
    "verdict": Tracer.look_verdict,
    "report": Tracer.look_report,
    "decision": Tracer.look_decision,
    "exposure": Tracer.look_exposure,
    "approval": Tracer.look_approval,
    "deployment": Tracer.look_deployment,
}


def address(source: str, id: str) -> str:
    """The id of a record's step: live ones have their own, imported ones that of their source before it."""
    return id if source == LIVE else f"{source}/{id}"


def nothing(ref: Ref) -> None:
    return None


def settle(kind: str, body: Mapping[str, Any]) -> Any:
    """The form of an imported record as a dataset would take it, or why it would not."""
    if kind == "choice":
        choice = read_form(ChoiceForm, dict(body))
        return choice if isinstance(choice, Refusal) else settle_choice(choice)
    if kind == "pair":
        pair = read_form(PairForm, dict(body))
        if isinstance(pair, Refusal):
            return pair
        return refuse_close(pair.chosen[-1].content, pair.rejected[-1].content) or pair
    return read_form(ThumbForm, dict(body))


def tell_choice(form: Any) -> dict[str, Any]:
    if isinstance(form, ChoiceForm):
        picked = {"kind": form.kind, "picked": form.picked, "replies": len(form.candidates)}
        return picked if form.source == LIVE else picked | {"agent": form.annotator}
    return {"value": (1 if form.label else -1)} if isinstance(form, ThumbForm) else {}


def tell_refusal(refusal: Refusal) -> dict[str, Any]:
    return {"refused": refusal.reason, "why": refusal.detail or explain(refusal.reason)}


def tell_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """What it found on held-out choices: nats per choice of each rule, and the plain figures."""
    plain = {name: value for name, value in report.items() if isinstance(value, int | float | str)}
    losses = {
        name: round(report[name]["log_loss"], 4)
        for name in BOUNDS
        if isinstance(report.get(name), Mapping) and "log_loss" in report[name]
    }
    return {"n": report.get("n"), "log_loss": losses} | plain


def tell_interval(found: store.Interval) -> dict[str, Any]:
    """Until when it served and why it ended: what the row says that took its place."""
    row, ended = found.row, found.ended
    facts = {
        "role": row.role,
        "adapter": row.adapter,
        "share": row.share if row.adapter else None,
        "since": stamp(row.at),
        "until": stamp(ended.at) if ended else None,
        "actor": row.actor,
        "reason": row.reason,
        "sets": found.sets if row.adapter else None,
        "judged": found.judged if row.adapter else None,
        "ended_by": f"deployment:{ended.fence}" if ended else None,
        "why": ended.reason if ended else None,
    }
    return known(facts)


def excerpt(text: str | None) -> str | None:
    return text if text is None or len(text) <= EXCERPT else f"{text[:EXCERPT]} …"


def stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to say: unset and empty facts are left out."""
    return {name: value for name, value in facts.items() if value is not None and value not in ("", [], {})}


def as_number(id: str) -> int:
    """-1, which no row has, for what is no number."""
    return int(id) if id.isascii() and id.isdigit() and len(id) < 10 else -1
