"""What a training record says, by its address in lineage: the messages, the reply that it prefers, and by
what erasure finds these texts. Reads the store alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlmodel import Session, col

from feedback.errors import NotFound
from feedback.helper.write import PARAPHRASE, TRANSLATE, AskedText
from feedback.lineage.graph import Ref
from feedback.records.from_judgement import DUEL, LABEL, LIVE, derive_choice
from feedback.records.from_label import derive_outcome
from feedback.records.pairs import settle_import
from feedback.records.schemas import ChoiceForm, PairForm
from feedback.store.choices import read_judged
from feedback.store.duel_verdicts import read_judged_round
from feedback.store.engine import of_desk
from feedback.store.helper_subjects import CONVERSATION, ITEM, RECORD, CallSubject
from feedback.store.labelled_items import read_labelled
from feedback.store.lineage import find_import
from feedback.store.tables import Item, Judgement, Label, Record


class RecordTexts(NamedTuple):
    messages: list[dict[str, str]]
    reply: str  # that it prefers
    conversation: str
    known: Sequence[str]
    subject: CallSubject


def find_call_subject(session: Session, *, desk_id: str, ref: Ref) -> CallSubject | None:
    """By what erasure finds the texts of a choice, pair or thumb; None where there is no such record."""
    imported = find_import(session, desk_id=desk_id, kind=ref.kind, named=ref.id)
    if imported is not None:
        return CallSubject(RECORD, str(imported.id), str(ref))
    source, _, id = ref.id.partition("/")
    if source in (LABEL, DUEL):
        said = session.get(Label, id) if source == DUEL else None
        item = session.get(Item, said.item_id if said else id)
        return None if item is None or item.desk_id != desk_id else CallSubject(ITEM, item.id, str(ref))
    live = of_desk(Record, desk_id).where(Record.kind == ref.kind, Record.source == LIVE)
    row = session.exec(live.where(Record.identity == ref.id)).one_or_none()
    return None if row is None else CallSubject(CONVERSATION, row.conversation, str(ref))


def read_record_texts(session: Session, *, desk_id: str, ref: Ref) -> RecordTexts:
    """Raises NotFound, also for a record from which nothing is learnt."""
    subject = find_call_subject(session, desk_id=desk_id, ref=ref)
    if subject is None:
        raise NotFound("record", str(ref))
    form, known = _read_form(session, desk_id, ref, subject)
    if not isinstance(form, ChoiceForm | PairForm):
        raise NotFound("record", str(ref))
    messages = [{"role": message.role, "content": message.content} for message in form.prompt]
    return RecordTexts(messages, find_preferred(form), form.conversation or str(ref), known, subject)


def _read_form(session: Session, desk_id: str, ref: Ref, subject: CallSubject) -> tuple[Any, Sequence[str]]:
    """The settled form, or why there is none, and what stands for its customer."""
    found: list[tuple[Any, Sequence[str]]]
    source, _, id = ref.id.partition("/")
    if subject.kind == RECORD:
        row = session.get_one(Record, int(subject.id))
        found = [(settle_import(f"{ref.kind}s", row.body | {"conversation": row.conversation}), ())]
    elif source == LABEL:
        labelled = read_labelled(session, item_ids=[subject.id])
        found = [(derive_outcome(item), item.known) for item in labelled]
    else:
        is_here = (col(Judgement.desk_id) == desk_id) & (col(Judgement.id) == ref.id)
        judged = (
            read_judged_round(session, desk_id=desk_id, verdict_id=id)
            if source == DUEL
            else read_judged(session, which=is_here)
        )
        found = [(derive_choice(*each), each[1].known) for each in judged]
    return found[0] if found else (None, ())


def find_preferred(form: ChoiceForm | PairForm) -> str:
    """Nothing is learnt from a choice that prefers no text; of a tie the first one shown."""
    if isinstance(form, PairForm):
        return form.chosen[-1].content
    return form.own or form.edited or form.candidates[form.picked[0]].text


def choose_writing(kind: str, texts: RecordTexts) -> AskedText:
    """What is written of a record: of its last message, or of the reply that it prefers."""
    text, messages = texts.reply, texts.messages
    if kind in (PARAPHRASE, TRANSLATE):
        text, messages = messages[-1]["content"], messages[:-1]
    return AskedText(kind, text, messages, texts.conversation, [texts.subject], texts.known)
