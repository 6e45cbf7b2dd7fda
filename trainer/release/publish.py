"""The last step of a night: decides about the canary that serves, and puts the passed adapter in its place.

The old canary comes first: if it is proven by then, it goes live; if it is worse than base, it is taken out;
if undecided, the newer one replaces it, since only one adapter at a time can collect picks. This step waits
for an engine that restarts.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from feedback.deployment import rollout
from feedback.deployment.deploy import publish_canary as deploy
from feedback.errors import AdapterVetoed, CheckpointServes, CheckpointStarts
from feedback.store.deployments import CANARY, serving_state
from feedback.store.engine import read
from feedback.store.runs import RunToken
from serving.errors import EngineNotRunning, EngineTimeout, EngineUnreachable, ServingError
from trainer.context import NightContext
from trainer.release.staging import ACTOR, retire

log = logging.getLogger(__name__)

RETRY_S = 3.0


def publish(ctx: NightContext, token: RunToken, name: str) -> list[dict[str, Any]]:
    """Puts the passed adapter into service as canary, for the policy's share of conversations.

    Returns notes for the run if that share is 0, if a person vetoed the adapter, or if no engine runs.
    """
    ctx.advance(token, step="publish")
    try:
        settle_canary(ctx, token, name)
        if ctx.policy.canary.share == 0:
            text = (
                f"the policy shows a new adapter to nobody ([canary] share); `rejoinder promote {name}` does"
            )
            return [make_note("not_shown", text)]
        wait_for_engine(ctx, lambda: put_up(ctx, token, name))
    except AdapterVetoed as vetoed:
        # Without the reason: a person's words stay on the adapter's page, a report goes further.
        return [make_note("vetoed", f"{vetoed.actor} vetoed {name}: the reason stands on its page")]
    except (CheckpointServes, CheckpointStarts) as waits:
        return [make_note(waits.code, f"{waits.message} {waits.hint}")]
    except EngineNotRunning:
        return [make_note("not_published", f"no engine runs: start one, then `rejoinder promote {name}`")]
    except (EngineUnreachable, EngineTimeout):
        raise
    except ServingError as fault:
        retire(ctx, token, name, str(fault))
        raise
    return []


def settle_canary(ctx: NightContext, token: RunToken, name: str) -> None:
    """Decides about the canary to be replaced; after a rerun that is `name` itself, and stays."""
    with read(ctx.store_engine) as session:
        canary = serving_state(session, desk_id=ctx.desk_id).canary
    if canary in (None, name):
        return
    found = rollout.evaluate_canary(ctx.deployer, actor=ACTOR, run_token=token, desk_id=ctx.desk_id)
    if found is None:
        return
    try:
        wait_for_engine(
            ctx,
            lambda: rollout.apply_decision(
                ctx.deployer, found, actor=ACTOR, run_token=token, desk_id=ctx.desk_id
            ),
        )
    except (EngineNotRunning, EngineUnreachable, EngineTimeout):
        raise
    except ServingError as fault:  # it cannot be served any more: the newer one replaces it
        log.error("canary %s does not go live: %s", canary, fault)


def put_up(ctx: NightContext, token: RunToken, name: str) -> None:
    with read(ctx.store_engine) as session:
        fencing_token = serving_state(session, desk_id=ctx.desk_id).fencing_token
    deploy(
        ctx.deployer,
        name,
        role=CANARY,
        share=ctx.policy.canary.share,
        actor=ACTOR,
        reason=f"passed the offline gate in run {token.run_id}",
        expected_token=fencing_token,
        run_token=token,
        desk_id=ctx.desk_id,
    )


def wait_for_engine(ctx: NightContext, step: Callable[[], None]) -> None:
    """Repeats a step while the engine restarts, at most `engine_wait_s` seconds of the settings."""
    waited = 0.0
    while True:
        try:
            return step()
        except (EngineUnreachable, EngineTimeout) as away:
            if waited >= ctx.settings.engine_wait_s:
                raise
            log.info("the engine does not answer yet: %s", away)
            threading.Event().wait(RETRY_S)
            waited += RETRY_S


def make_note(code: str, text: str) -> dict[str, Any]:
    return {"code": code, "text": text, "value": None, "limit": 0}
