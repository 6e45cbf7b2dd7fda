"""Calls about adapters: list them and what serves, promote one, roll back. They talk to the engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import Blueprint
from pydantic import Field
from sqlmodel import Session

from feedback.api.routes import EngineCall, Read, Write, call_engine, get, write
from feedback.api.schemas import ALLOWED, Answer, Body, Name, Query
from feedback.deployment import approvals, deploy
from feedback.errors import Conflict, IllegalTransition
from feedback.experiments.account import read_account
from feedback.experiments.support import Support
from feedback.store import adapters, deployments
from feedback.store.approvals import read_words
from feedback.store.deployments import ServingState, serving_state
from feedback.store.engine import read
from feedback.web.services import services
from serving.errors import AdapterRefused, CheckpointNotServed, ProbeFailed, ServingError

bp = Blueprint("adapters", __name__)


class AdapterNotFit(Conflict):
    """The adapter's files were refused, or its probe failed; it does not serve."""

    def __init__(self, adapter: str, why: str) -> None:
        super().__init__(
            "adapter_not_fit", f"Adapter {adapter} cannot be served: {why}", "Train or export it again."
        )


class EngineAway(Conflict):
    def __init__(self, why: str) -> None:
        super().__init__(
            "engine_away",
            f"The model server cannot be asked: {why}",
            "Try again when /readyz says it is there.",
        )


class Reasoned(Body):
    reason: Name | None = Field(None, description="Why, for the adapter's history.")


class Explained(Body):
    reason: Name = Field(description="Why; kept with the deployment and shown in the adapter's history.")


class RollbackAsked(Explained):
    adapter: Name | None = Field(
        None,
        description="The adapter that is meant: where another one serves by now, nothing is rolled back. "
        "Without it, whatever serves.",
    )


class Vetoed(Body):
    reason: Name = Field(description="Why; shown wherever the veto stands.")


class AdapterMove(Answer):
    from_state: str
    to_state: str
    reason: str
    actor: str
    at: datetime


class SupportShown(Answer):
    rate: float | None = Field(description="Counted picks of the adapter over all counted; null before any.")
    low: float = Field(description="Lower end of the 95 % Wilson interval.")
    high: float = Field(description="Upper end of the 95 % Wilson interval.")
    band: str | None = Field(description=ALLOWED)
    counted: int
    tuned: int
    base: int
    halves: int = Field(description="Equal texts and ties across the arms: half to each.")
    judgements: int = Field(description="All judgements on its sets, counted or not.")


class ComparisonShown(Answer):
    """How two versions compare directly. Sets with replies of both count towards neither support rate."""

    new: str
    old: str
    rate: float | None = Field(description="Of picks that fell on either version, the share of the newer.")
    low: float = Field(description="Lower end of the 95 % Wilson interval.")
    high: float = Field(description="Upper end of the 95 % Wilson interval.")
    band: str | None = Field(description=ALLOWED)
    counted: int
    won: int
    lost: int
    halves: int = Field(description="Equal texts and ties across the versions: half to each.")
    base: int = Field(description="Picks of what base alone wrote.")
    judgements: int = Field(description="All judgements on such sets, counted or not.")
    shares: dict[str, float] = Field(description="Of all judgements, those that tell nothing of the two.")
    left_out: dict[str, int] = Field(description="Sets and judgements that cannot count, by reason.")
    agents: int
    e_better: float = Field(description="Evidence that the newer is better; 20 is enough.")
    e_harm: float = Field(description="Evidence that the older is better; 20 is enough.")


class AdapterShown(Answer):
    name: str
    state: str = Field(description="trained, refused, passed, canary, live, retired or rolled_back")
    run_id: str | None
    dataset_id: str | None
    base_id: str
    created_at: datetime
    support: SupportShown
    comparisons: list[ComparisonShown] = Field(description="With versions live beside it, the last first.")
    history: list[AdapterMove]


class AdapterList(Answer):
    live: str | None
    canary: str | None
    share: float = Field(description="Share of conversations that see the canary.")
    fence: int
    adapters: list[AdapterShown] = Field(description="Newest first.")


class Promoted(Answer):
    live: str
    fence: int


class RolledBackTo(Answer):
    rolled_back: str
    serving: str | None = Field(description="What serves now; null is the base alone.")
    fence: int


class WordsSaid(Answer):
    """The approvals and vetoes of an adapter in force now: the latest one of each person counts."""

    adapter: str
    approved_by: list[str]
    vetoed_by: list[str]
    rolled_back: bool = Field(False, description="Whether it served and left service by this veto.")


@get(bp, "/v1/adapters", roles=("admin",), answer=AdapterList)
def list_adapters(call: Read[Query]) -> AdapterList:
    """All adapters with their history and lineage, and what serves."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        state = serving_state(session, desk_id=desk_id)
        rows = adapters.select_adapters(session, desk_id=desk_id)
        accounts = {row.name: read_account(session, row.name, desk_id=desk_id) for row in rows}
        shown = [
            AdapterShown(
                name=row.name,
                state=row.state,
                run_id=row.run_id,
                dataset_id=row.dataset_id,
                base_id=row.base_id,
                created_at=row.created_at,
                support=show_support(accounts[row.name].support),
                comparisons=[ComparisonShown(**found.to_json()) for found in accounts[row.name].comparisons],
                history=[
                    AdapterMove(
                        from_state=event.from_state,
                        to_state=event.to_state,
                        reason=event.reason,
                        actor=event.actor,
                        at=event.at,
                    )
                    for event in adapters.list_events(session, name=row.name)
                ],
            )
            for row in rows
        ]
    return AdapterList(
        live=state.live, canary=state.canary, share=state.share, fence=state.fencing_token, adapters=shown
    )


def show_support(support: Support) -> SupportShown:
    told = support.to_json()
    return SupportShown(**{name: told[name] for name in SupportShown.model_fields})


@call_engine(bp, "/v1/adapters/<name>/promote", roles=("admin",), body=Explained, answer=Promoted)
def promote(call: EngineCall, body: Explained, name: str) -> Promoted:
    """Make an adapter the live one, with the reason; ends the canary."""
    with read(services().store_engine) as session:
        person = approvals.name_person(session, call.actor)
    with _typed_failures(name):
        fencing_token = deploy.promote_adapter(
            _deployer(), name, actor=person, reason=body.reason, desk_id=call.actor.desk_id
        )
    return Promoted(live=name, fence=fencing_token)


@write(
    bp, "/v1/adapters/<name>/approve", roles=("expert", "admin"), body=Reasoned, answer=WordsSaid, status=200
)
def approve(call: Write, body: Reasoned, name: str) -> WordsSaid:
    """Approve an adapter, so that somebody else may promote it; this takes back the caller's own veto."""
    reason = body.reason or "approved by hand"
    approvals.approve_adapter(call.session, _deployer(), name, actor=call.actor, reason=reason)
    return _list_words(call, name)


@write(bp, "/v1/adapters/<name>/veto", roles=("expert", "admin"), body=Vetoed, answer=WordsSaid, status=200)
def veto(call: Write, body: Vetoed, name: str) -> WordsSaid:
    """Keep an adapter out of service; if it serves, it is taken out at once."""
    deployer = _deployer()
    left = approvals.veto_adapter(call.session, deployer, name, actor=call.actor, reason=body.reason)
    if left is not None:
        call.after_commit(lambda: deploy.reconcile_later(deployer))
    return _list_words(call, name).model_copy(update={"rolled_back": left is not None})


def _list_words(call: Write, name: str) -> WordsSaid:
    words = read_words(call.session, desk_id=call.actor.desk_id, adapter=name)
    return WordsSaid(
        adapter=name,
        approved_by=[row.actor for row in words.approvals],
        vetoed_by=[row.actor for row in words.vetoes],
    )


@write(bp, "/v1/rollback", roles=("admin",), body=RollbackAsked, answer=RolledBackTo, status=200)
def rollback(call: Write, body: RollbackAsked) -> RolledBackTo:
    """Take out the adapter that serves, or the one named, at once, with the reason; restore the one
    before.
    """
    deployer = _deployer()
    desk_id, name = call.actor.desk_id, body.adapter
    if name is not None:
        deployments.hold_desk(call.session, desk_id=desk_id)
        state = serving_state(call.session, desk_id=desk_id)
        if name not in state.named:
            return _report_rolled_back(call.session, name, state, desk_id)
    done = deploy.write_rollback(
        call.session, deployer, actor=call.actor.name, reason=body.reason, only=name, desk_id=desk_id
    )
    call.after_commit(lambda: deploy.reconcile_later(deployer))
    return RolledBackTo(rolled_back=done.from_, serving=done.to, fence=done.fencing_token)


def _report_rolled_back(session: Session, name: str, state: ServingState, desk_id: str) -> RolledBackTo:
    """The answer when the adapter has been rolled back already, by somebody faster or by the same form.
    Raises IllegalTransition for an adapter that left service in another way or never served.
    """
    adapter = adapters.get_adapter(session, desk_id=desk_id, name=name)
    if adapter.state != "rolled_back":
        raise IllegalTransition(name, adapter.state, "rolled_back")
    return RolledBackTo(rolled_back=name, serving=state.canary or state.live, fence=state.fencing_token)


def _deployer() -> deploy.Deployer:
    found = services().deployer
    if found is None:
        raise EngineAway("this instance runs without a model server")
    return found


@contextmanager
def _typed_failures(name: str) -> Iterator[None]:
    """Turns a refusal by the engine or because of the files into a conflict (409) instead of an error of the
    service.
    """
    try:
        yield
    except (AdapterRefused, CheckpointNotServed, ProbeFailed) as refused:
        raise AdapterNotFit(name, str(refused)) from refused
    except ServingError as failure:
        raise EngineAway(str(failure)) from failure
