"""Every figure as it was computed before records held it: walking all judgements, deriving each anew.

Kept as the other side of one comparison (`test_records_from_rows.py`): what counts is what counted before.
"""

from bisect import bisect_left
from collections import defaultdict

from sqlmodel import col, func, select

from feedback.datasets import collect
from feedback.experiments.funnel import Funnel
from feedback.experiments.pick_counts import APART, UNKNOWN
from feedback.experiments.picks import CountedPick
from feedback.experiments.support import Support
from feedback.experiments.versions import Comparison
from feedback.records.cards import describe_card
from feedback.records.from_judgement import CLOSING, derive_choice
from feedback.records.from_thumb import derive_thumb
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from feedback.records.text import normalise
from feedback.store.choices import read_judged, read_thumbed
from feedback.store.engine import read
from feedback.store.tables import Judgement, Record, Thumb


def list_judged(engine, *, since=None, until=None, with_tokens=False):
    with read(engine) as session:
        everything = col(Judgement.kind) != "undo"
        found = read_judged(session, which=everything, with_tokens=with_tokens)
    return [
        (judged, shown)
        for judged, shown in found
        if (since is None or judged.at >= since) and (until is None or judged.at <= until)
    ]


def count_support(judged_sets, adapter):
    support = Support(adapter)
    for judged, shown in judged_sets:
        if shown.adapter != adapter:
            continue
        if shown.design == "2+1+1":
            support.left_out["two_versions"] += 1
            continue
        support.judgements += 1
        choice = derive_choice(judged, shown)
        if isinstance(choice, Refusal) and choice.reason == "tie_of_all" and refuse_set(shown) is None:
            support.tied += 1
        elif isinstance(choice, Refusal):
            (support.apart if choice.reason in APART else support.left_out)[choice.reason] += 1
        elif choice.kind == "own":
            support.apart["own"] += 1
        elif (reason := refuse_set(shown)) is not None:
            support.left_out[reason] += 1
            base, tuned = count_texts(shown)
            support.repeated += reason == "unequal_texts" and tuned < base
        else:
            winner = find_winner(choice)
            by = {"tuned": support.won_by, "base": support.lost_by}.get(winner)
            if by is not None:
                by[judged.agent or UNKNOWN] += 1
            support.tied += winner == "both"
    return support


def find_winner(choice):
    arms = {choice.candidates[index].arm for index in choice.picked}
    return "tuned" if arms == {"tuned"} else "base" if arms == {"base"} else "both"


def refuse_set(shown):
    if shown.design != "2+2":
        return "other_design"
    if any(reply.state == "unavailable" for reply in shown.replies):
        return "reply_unavailable"
    base, tuned = count_texts(shown)
    return None if base == tuned else "unequal_texts"


def count_texts(shown):
    ready = [reply.arm for reply in shown.replies if reply.state == "ready"]
    return [sum(arm in (own, "both") for arm in ready) for own in ("base", "tuned")]


def list_picks(judged_sets, adapter):
    """With how many sets each agent had closed before."""
    closings, picks = defaultdict(list), []
    for judged, _ in judged_sets:
        if judged.kind in CLOSING and not judged.undone:
            closings[judged.agent].append((judged.at, judged.id))
    for judged, shown in judged_sets:
        if shown.adapter != adapter or refuse_set(shown) is not None:
            continue
        choice = derive_choice(judged, shown)
        ready = [reply for reply in shown.replies if reply.state == "ready"]
        if isinstance(choice, Refusal):
            if choice.reason != "tie_of_all":
                continue
            won, texts = "both", {reply.text for reply in ready}
        elif choice.kind == "own":
            continue
        else:
            won, texts = find_winner(choice), {choice.candidates[index].text for index in choice.picked}
        picks.append(
            CountedPick(
                judgement=judged.id,
                adapter=adapter,
                agent=judged.agent,
                won=won,
                cards=tuple(describe_card(reply, is_picked=reply.text in texts) for reply in ready),
                tags=tuple(shown.tags),
                language=shown.language,
                experience=bisect_left(closings[judged.agent], (judged.at, judged.id)),
            )
        )
    return picks


def compare_versions(judged_sets, new):
    found = {}
    for judged, shown in judged_sets:
        if shown.adapter != new or shown.design != "2+1+1":
            continue
        old = next(iter({reply.adapter for reply in shown.replies} - {None, new}), None)
        if old is not None:
            comparison = found.pop(old, None) or Comparison(new, old)
            count_versions(comparison, judged, shown)
            found[old] = comparison
    return list(reversed(found.values()))


def count_versions(comparison, judged, shown):
    comparison.judgements += 1
    choice = derive_choice(judged, shown)
    is_tie_of_all = isinstance(choice, Refusal) and choice.reason == "tie_of_all"
    if isinstance(choice, Refusal) and not is_tie_of_all:
        (comparison.apart if choice.reason in APART else comparison.left_out)[choice.reason] += 1
    elif not is_tie_of_all and choice.kind == "own":
        comparison.apart["own"] += 1
    elif any(reply.state == "unavailable" for reply in shown.replies):
        comparison.left_out["reply_unavailable"] += 1
    elif is_tie_of_all:
        comparison.tied += 1
    else:
        picked = {normalise(choice.candidates[index].text) for index in choice.picked}
        versions = {
            reply.adapter
            for reply in shown.replies
            if reply.adapter is not None
            and reply.state in ("ready", "merged")
            and normalise(reply.text or "") in picked
        }
        agent = choice.annotator or UNKNOWN
        comparison.won_by[agent] += versions == {comparison.new}
        comparison.lost_by[agent] += versions == {comparison.old}
        comparison.tied += len(versions) == 2
        comparison.base += not versions


def count_funnel(judged_sets):
    counted = Funnel()
    for judged, shown in judged_sets:
        counted.judgements += 1
        counted.kinds[judged.kind] += 1
        choice = derive_choice(judged, shown)
        if isinstance(choice, Refusal):
            counted.reasons[choice.reason] += 1
            continue
        counted.choices += 1
        counted.choice_kinds[choice.kind] += 1
        pairs = pair_choice(choice.to_record())
        counted.paired += any(not isinstance(pair, Refusal) for pair in pairs)
        for pair in pairs:
            if isinstance(pair, Refusal):
                counted.pair_reasons[pair.reason] += 1
            else:
                counted.pairs += 1
    return counted


def count_new_choices(engine, since):
    with read(engine) as session:
        undone = set(session.exec(select(Judgement.undoes)))
        rows = session.exec(select(Judgement).where(col(Judgement.kind).in_(CLOSING))).all()
        imported = session.exec(
            select(func.count()).where(
                Record.origin_kind == "import",
                col(Record.kind).in_(("choice", "pair")),
                Record.created_at > since,
            )
        ).one()
    judged = [row for row in rows if not row.unblinded and row.id not in undone and row.created_at > since]
    return len(judged) + imported


def collect_from_rows(monkeypatch):
    """Has datasets built from the rows themselves."""

    def iterate_live(asked):
        if asked.selection.has_live:
            since, until = asked.selection.since, asked.until
            for judged, shown in list_judged(asked.store_engine, since=since, until=until, with_tokens=True):
                if asked.selection.takes(list(shown.tags), judged.at, shown.language):
                    yield derive_choice(judged, shown), shown.known

    def iterate_thumbs(engine, *, desk_id, until):
        with read(engine) as session:
            ids = list(session.exec(select(Thumb.message_id).distinct()))
            for reply in read_thumbed(session, message_ids=ids):
                form = derive_thumb(reply)
                reason = form.reason if isinstance(form, Refusal) else None
                row = Record(rejection=reason, tags=reply.tags, created_at=reply.at)
                yield row, None if reason else reply

    monkeypatch.setattr(collect.Collector, "iterate_live", iterate_live)
    monkeypatch.setattr(collect, "iterate_thumbs", iterate_thumbs)
