"""Fits to the picks of each adapter: renewed by the trainer where judgements or tags changed.

What is fitted: bounds clustered by agent, the adjusted share, the breakdown. Picks are read in pages,
and pages show what is kept.
Imports numpy and scipy inside `fit_account`.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.experiments.account import keep_counts
from feedback.experiments.picks import read_picks
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.experiments.tally import Tally
from feedback.store import fits
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import count_erasures
from feedback.store.record_counts import count_meanings, count_versions
from feedback.store.tables import DEFAULT_DESK
from feedback.store.tags import count_tag_changes, read_tag_tree


def renew_fits(
    store_engine: Engine, *, policy: RolloutPolicy, clock: Clock, desk_id: str = DEFAULT_DESK
) -> list[str]:
    """Renews the fit of every adapter whose counts or tags have changed since; returns their names."""
    with read(store_engine) as session:
        names = fits.list_fitted(session, desk_id=desk_id)
    return [
        name for name in names if renew_fit(store_engine, name, policy=policy, clock=clock, desk_id=desk_id)
    ]


def renew_fit(
    store_engine: Engine, adapter: str, *, policy: RolloutPolicy, clock: Clock, desk_id: str
) -> bool:
    """Renews the fit of an adapter; False if there was nothing to fit, or somebody was erased meanwhile."""
    with read(store_engine) as session:
        judged = count_meanings(session, desk_id=desk_id, adapter=adapter)
        versions = count_versions(session, desk_id=desk_id, adapter=adapter)
        kept = fits.find_fit(session, desk_id=desk_id, adapter=adapter)
        erased = count_erasures(session, desk_id=desk_id)
        tags = count_tag_changes(session, desk_id=desk_id)
    basis = {"confidence": policy.confidence, "counts": keep_counts(judged, versions), "tags": tags}
    is_fitted = kept is not None and all({"tags": 0, **kept.value}[name] == basis[name] for name in basis)
    if not judged or is_fitted:
        return False
    fitted = fit_account(store_engine, adapter, policy=policy, desk_id=desk_id)
    with unit_of_work(store_engine) as session:
        if count_erasures(session, desk_id=desk_id) != erased:
            return False
        fits.write_fit(
            session,
            desk_id=desk_id,
            adapter=adapter,
            judgements=sum(judged.values()),
            value={**basis, "fitted": fitted},
            now=clock.now(),
        )
    return True


def fit_account(store_engine: Engine, adapter: str, *, policy: RolloutPolicy, desk_id: str) -> dict[str, Any]:
    """Fits the picks of an adapter; returns the result in the form that is stored and shown."""
    from feedback.experiments.measure import measure_picks  # numpy and scipy

    with read(store_engine) as session:
        tree = read_tag_tree(session, desk_id=desk_id)
    picks = read_picks(store_engine, adapter, desk_id=desk_id, with_experience=True)
    measured = measure_picks(adapter, picks, policy, tree=tree)
    evidence, adjusted = measured.evidence, None
    if measured.adjusted is not None:
        adjusted = {**asdict(measured.adjusted), "low": evidence.adjusted_low}
    return {
        "share_low": evidence.share_low,
        "agents": evidence.agents,
        "adjusted": adjusted,
        "length_difference": measured.length_difference,
        "without_agent": [asdict(without) for without in measured.without_agent],
        "breakdown": {way: show_cells(cells) for way, cells in measured.breakdown.items()},
    }


def show_cells(cells: dict[str, Tally]) -> dict[str, dict[str, Any]]:
    """The cells of a breakdown as JSON, without a verdict: most are too small for more than an interval."""
    told = {name: cell.to_json(won="tuned", lost="base", tied="halves") for name, cell in cells.items()}
    return {name: {key: cell[key] for key in cell if key != "band"} for name, cell in told.items()}
