"""Example facts for every situation that the morning's sentence can describe; docs/morning.md shows them.

tests/feedback/morning/test_sentence.py has the sentence expected for each.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from feedback.deployment.policy import ApprovalPolicy, CanaryPolicy, Policy
from feedback.experiments.rollout_rule import Evidence
from feedback.experiments.tally import Tally
from feedback.morning.facts import How, InService, Left, MorningFacts, Passed
from feedback.store.approvals import APPROVE, VETO, Words
from feedback.store.tables import Approval, Run

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
NEW, OLD, LIVE = "tuned-20261128-1", "tuned-20261127-1", "tuned-20261120-1"
SHOWN = CanaryPolicy(share=0.2, go_live=True)
BY_HAND = CanaryPolicy(share=0.2, go_live=False)
NOBODY = ApprovalPolicy(second_person=False)
POLICY = Policy(name="example", canary=SHOWN, approval=NOBODY)
QUIET = MorningFacts(at=NOW, policy=POLICY, has_records=True, new_choices=12, min_new_choices=50)
UNIFORM = {"log_loss": 1.386, "accuracy": 0.25}
OVER_FIT = {
    "n": 19,
    "uniform": UNIFORM,
    "base": {"log_loss": 1.31, "accuracy": 0.32},
    "adapter": {"log_loss": 1.46, "accuracy": 0.26},
    "train": {"n": 300, "accuracy": 0.71, "uniform_accuracy": 0.25, "log_loss": 0.8},
}


def run(state: str, **fields: Any) -> Run:
    given = {
        "id": "8b1aa282",
        "desk_id": "default",
        "kind": "night",
        "slot": NIGHT.isoformat(),
        "created_at": NIGHT,
        "started_at": NIGHT,
        "finished_at": NIGHT + timedelta(hours=1),
    }
    return Run(state=state, **{**given, **fields})


def going(**fields: Any) -> MorningFacts:
    given = {"created_at": NOW - timedelta(minutes=5), "finished_at": None, "fencing_token": 1, **fields}
    return replace(QUIET, going=run(**{"state": "running", **given}))


def failed(error: str) -> MorningFacts:
    return replace(QUIET, ended=run("failed", step="train", error=error))


def refused(code: str, value: float | None, limit: float, text: str = "", **fields: Any) -> MorningFacts:
    reason = {"code": code, "text": text, "value": value, "limit": limit}
    ended = run("done", decision="refused", adapter=NEW, reasons=[reason], **fields)
    return replace(QUIET, ended=ended, trained=ended)


def passed(policy: Policy, words: Words | None = None, **fields: Any) -> MorningFacts:
    ended = run("done", decision="passed", adapter=NEW, **fields)
    return replace(QUIET, policy=policy, ended=ended, trained=ended, passed=Passed(NEW, words or Words()))


def canary(tuned: int, base: int, policy: Policy = POLICY, **fields: Any) -> MorningFacts:
    """A canary of 30 hours; its bounds and number of agents are enough unless `fields` say otherwise."""
    shown = {"agents": 6, "share_low": 0.52, "adjusted_low": 0.52}
    known = {name: fields.pop(name, value) for name, value in shown.items()}
    tally = Tally(tuned, base, fields.pop("tied", 0))
    given = {"since": NOW - timedelta(hours=30), "is_fitted": True, **fields}
    evidence = Evidence(NEW, tally, **known)
    in_service = InService(NEW, "canary", 0.2, actor="trainer", evidence=evidence, **given)
    ended = run("done", decision="passed", adapter=NEW)
    return replace(QUIET, policy=policy, ended=ended, trained=ended, canary=in_service)


def live_adapter(
    tuned: int, base: int, *, days: float = 5, actor: str = "ada", e_harm: float = 0.0, **changes: Any
) -> MorningFacts:
    evidence, since = Evidence(LIVE, Tally(tuned, base), e_harm=e_harm), NOW - timedelta(days=days)
    in_service = InService(LIVE, "live", 1.0, since, actor=actor, evidence=evidence, is_fitted=True)
    return replace(QUIET, live=in_service, **changes)


def left(
    how: How, tuned: int = 0, base: int = 0, *, actor: str = "scheduler", **changes: Any
) -> MorningFacts:
    at = NOW - timedelta(hours=1)
    trained = run("done", decision="passed", adapter=NEW)
    gone = Left(NEW, how, actor, at, Evidence(NEW, Tally(tuned, base)))
    return replace(QUIET, ended=trained, trained=trained, left=gone, **changes)


def words(*said: tuple[str, str]) -> Words:
    rows = [
        Approval(desk_id="default", adapter=NEW, actor=actor, kind=kind, reason="read 40 replies", at=NOW)
        for actor, kind in said
    ]
    return Words(tuple(rows))


def with_policy(canary: CanaryPolicy, second_person: bool) -> Policy:
    return POLICY.model_copy(
        update={"canary": canary, "approval": ApprovalPolicy(second_person=second_person)}
    )


ONE_APPROVAL = words(("eva", APPROVE))
UNSHOWN, TWO = with_policy(CanaryPolicy(), True), with_policy(BY_HAND, True)
LACKS_CHOICES = [{"code": "too_little_new", "text": "", "value": 12, "limit": 50}]
KNOWN_ERROR = "run 8b1aa282 failed: no dataset at /d: build one with `rejoinder dataset build`."
ON_DISK = replace(canary(6, 4), missing=frozenset({NEW}))
NO_BETTER = replace(refused("worse_than_serving", 1.33, 1.31), live=live_adapter(180, 120).live)

SITUATIONS = {
    "nothing has come in": replace(QUIET, has_records=False, new_choices=0),
    "too few choices for a first run": QUIET,
    "enough choices, the night comes": replace(QUIET, new_choices=64),
    "a run waits for the worker": going(state="queued"),
    "a run is under way": going(step="train", progress=0.42),
    "a run was interrupted": going(step="train", lease_until=NOW - timedelta(seconds=30)),
    "a run was interrupted and goes on": going(step="train", progress=0.42, fencing_token=2),
    "a run that nobody continues": going(step="train", lease_until=NOW - timedelta(hours=1)),
    "a run that nobody takes": going(state="queued", created_at=NIGHT),
    "a night was missed": replace(QUIET, missed=NIGHT),
    "a run was killed for want of memory": failed("its worker died 4 times, last at step train"),
    "a run failed with an error that says what to do": failed(KNOWN_ERROR),
    "a run failed with an unexpected error": failed("Traceback: KeyError"),
    "somebody ended the run": replace(QUIET, ended=run("cancelled")),
    "skipped, too few new choices": replace(QUIET, ended=run("skipped", reasons=LACKS_CHOICES)),
    "skipped, nothing new since last night": replace(
        QUIET, new_choices=0, ended=run("skipped", reasons=LACKS_CHOICES)
    ),
    "skipped, no judgement makes a choice": replace(
        QUIET, ended=run("skipped", reasons=[{"code": "no_data"}])
    ),
    "refused: over-fit, one held-out choice short": refused("no_evidence", 19, 20, report=OVER_FIT),
    "refused: over-fit": refused("worse_than_uniform", 1.46, 1.386, report={**OVER_FIT, "n": 60}),
    "refused: too little held-out evidence": refused("no_evidence", 13, 20),
    "refused: predicts nothing": refused("worse_than_uniform", 1.41, 1.386),
    "refused: broken replies": refused("broken_greedy", 0.12, 0.0),
    "refused: left the base too far": refused("drifted", 0.71, 0.5),
    "refused: does what has to be refused": refused("gives_in", 0.4, 0.19),
    "refused: replies too long": refused("too_long", 2.4, 1.5),
    "refused: repeats itself": refused("repeats_itself", 0.4, 0.2),
    "refused: changes nothing": refused("no_change", 0.0, 1e-05),
    "refused: cannot fit": refused("cannot_fit", 0.27, 0.3),
    "refused: worse than what serves": NO_BETTER,
    "refused: a limit of tomorrow": refused("too_new", 3.0, 2.0, "is too new"),
    "refused: not measured": refused("no_replay", None, 1, "no general replay set was measured"),
    "passed, but the policy shows it to nobody": passed(UNSHOWN),
    "passed, shown to nobody, approved by one": passed(UNSHOWN, ONE_APPROVAL),
    "passed, no second person needed": passed(with_policy(CanaryPolicy(), False)),
    "passed, but no model server took it": passed(POLICY, reasons=[{"code": "not_published"}]),
    "passed, and put up by nobody": passed(POLICY),
    "passed, then vetoed": passed(UNSHOWN, words(("eva", VETO))),
    "canary just begun": canary(0, 0),
    "canary took another one's place": canary(0, 0, before=OLD),
    "canary with few picks": canary(2, 3, tied=1),
    "canary undecided, picks will decide": canary(68, 52),
    "canary undecided, too early for a pace": canary(68, 52, since=NOW - timedelta(hours=3)),
    "canary ahead, not proven": canary(81, 56),
    "canary undecided for good": canary(210, 202),
    "canary ahead, but too late": canary(745, 655),
    "canary ahead, decided within a day": canary(122, 86),
    "canary proven, too few agents": canary(90, 40, agents=2),
    "canary proven, hangs on few agents": canary(90, 40, share_low=0.44),
    "canary proven, style may explain it": canary(90, 40, adjusted_low=0.47),
    "canary proven, goes live tonight": canary(90, 40),
    "canary proven by count, bounds not fitted yet": canary(
        90, 40, share_low=None, adjusted_low=None, is_fitted=False
    ),
    "canary waits for an approval": canary(90, 40, with_policy(SHOWN, True)),
    "canary waits for a person": canary(90, 40, with_policy(BY_HAND, False)),
    "canary waits for two people": canary(90, 40, TWO),
    "canary waits for a second person": canary(90, 40, TWO, words=ONE_APPROVAL),
    "went live on evidence": live_adapter(180, 120, days=0.25, actor="scheduler"),
    "live and better": live_adapter(180, 120),
    "live and better, enough for tonight": live_adapter(180, 120, new_choices=64),
    "live, not known yet": live_adapter(22, 18),
    "live, no visible difference": live_adapter(5020, 4980),
    "live, hardly any picks": live_adapter(3, 1),
    "live, harm suspected": live_adapter(44, 72),
    "live, harm proven": live_adapter(30, 70, e_harm=25.0),
    "canary, harm suspected": canary(12, 25),
    "rolled back for harm": left("harm", 30, 70),
    "rolled back by a person": left("person", actor="ada"),
    "vetoed in service": left("veto", actor="eva", live=live_adapter(180, 120).live),
    "rolled back for harm, enough for tonight": left("harm", 30, 70, new_choices=64),
    "retired undecided": left("undecided", 760, 740),
    "cannot be loaded, the base stands in": ON_DISK,
    "its files are gone": replace(ON_DISK, lost=frozenset({NEW})),
}
