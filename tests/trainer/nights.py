"""Rows for the tests of the nightly job: imported choices, and a run that is asked for and claimed."""

from typing import Any
from uuid import uuid4

from feedback.deployment.policy import ApprovalPolicy, CanaryPolicy, OfflineLimits, Policy
from feedback.store import records, runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import RunToken
from tests.trainer.objectives.written import make_thumb
from tests.trainer.tiny import make_choice
from trainer.context import NightContext

# Lets the tiny base pass, whose random replies never end, and shows it to everybody.
LAX_LIMITS = OfflineLimits(
    min_choices=1,
    max_broken_greedy=1,
    max_kl_to_base=100,
    max_replay_kl=100,
    max_perplexity_ratio=100,
    max_length_ratio=9,
    max_repeated_over_base=1,
    max_surprise=100,
    max_copied_over_base=1,
    max_wrong_language_over_base=1,
    max_refusal_over_base=1,
    max_flattery_over_base=1,
)
LAX = Policy(
    name="lax",
    offline=LAX_LIMITS,
    canary=CanaryPolicy(share=1.0, go_live=True),
    approval=ApprovalPolicy(second_person=False),
)


def import_choices(ctx: NightContext, count: int, *, first: int = 0) -> None:
    add_records(ctx, "choice", [make_choice(number, "train") for number in range(first, first + count)])


def import_thumbs(ctx: NightContext, count: int) -> None:
    thumbs = [make_thumb(number % 50, up=number % 2 == 0) for number in range(count)]
    add_records(ctx, "thumb", [thumb | {"conversation": thumb["group"]} for thumb in thumbs])


def add_records(ctx: NightContext, kind: str, lines: list[dict[str, Any]]) -> None:
    rows = []
    for line in lines:
        body = {key: value for key, value in line.items() if key not in ("split", "weight")}
        rows.append(
            {
                "desk_id": ctx.desk_id,
                "kind": kind,
                "source": "test",
                "identity": body["id"],
                "conversation": body["conversation"],
                "language": "en",
                "tags": [],
                "body": body,
                "at": ctx.clock.now(),
                "created_at": ctx.clock.now(),
            }
        )
    with unit_of_work(ctx.store_engine) as session:
        records.add_records(session, rows=rows)


def ask(ctx: NightContext, *, kind: str = "manual", request: dict[str, Any] | None = None) -> str:
    with unit_of_work(ctx.store_engine) as session:
        run, _ = runs.file_run_request(
            session,
            desk_id=ctx.desk_id,
            kind=kind,
            slot=uuid4().hex,
            request=request or {},
            requested_by="test",
            now=ctx.clock.now(),
        )
        return run.id


def ask_and_claim(
    ctx: NightContext, *, kind: str = "manual", request: dict[str, Any] | None = None
) -> RunToken:
    ask(ctx, kind=kind, request=request)
    with unit_of_work(ctx.store_engine) as session:
        run = runs.claim_run(session, desk_id=ctx.desk_id, owner="test", now=ctx.clock.now(), lease_s=60)
        assert run is not None
        return RunToken(run.id, run.fencing_token)
