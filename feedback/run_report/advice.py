"""What to do next, derived from the facts of a run: named advice with its numbers. Pure.

Each code has one sentence here; pages translate it, calls and the command line give it in English.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from feedback.experiments.rollout_rule import Evidence, ExposurePolicy, count_needed
from feedback.experiments.support import Support
from feedback.run_report.facts import NightFacts
from feedback.store.tables import ExposureDecision

ADVICE = {
    "judge_more": "Collect %(missing)s more choices: a night needs %(needed)s since the last run that "
    "trained, %(found)s came in.",
    "bring_data": "There is nothing to learn from yet: judge suggestions in the workbench, or import "
    "records.",
    "give_memory": "Its worker was killed %(times)s times, mostly for want of memory: lower `row_tokens` or "
    "`max_length` in the recipe, or give the machine more.",
    "follow_error": "The error says what to do: %(remedy)s",
    "read_log": "The error was not foreseen: read `runs/%(run)s/log.txt`. Serving is unchanged.",
    "run_again": "After that, `rejoinder train --now` runs it again; the next night does so anyway.",
    "collect_evidence": "%(missing)s more held-out choices are needed to measure it, so about %(choices)s "
    "more choices: one conversation in ten is held out.",
    "check_data": "It does not foresee what it was trained on: look at the dataset's pairs, or raise "
    "`learning_rate` in the recipe.",
    "more_data": "Picks are few or noisy: collect more choices before more `epochs` in the recipe.",
    "cool_down": "Replies come apart or leave the base: lower `learning_rate` in the recipe, or raise `beta` "
    "or `nll_weight`.",
    "warm_up": "It is the base under another name: raise `learning_rate` or `epochs` in the recipe, and look "
    "at its curves.",
    "look_at_picks": "It does what people picked or wrote, or has unlearned something: read `guards.jsonl` "
    "of the run and the picks it was trained on.",
    "hold_length": "Replies changed their length: raise `beta` in the recipe, or allow it in the policy if "
    "that is what people picked.",
    "keep_variety": "It repeats itself: raise `beta` in the recipe, or train fewer `epochs`.",
    "keep_serving": "What serves now foresees picks better and stays: nothing needs to be done.",
    "measure_replies": "No replies were measured: name `fixed_prompts` in the recipe's `measurement`.",
    "see_reason": "The gate names `%(code)s`: see its value and limit.",
    "start_engine": "No model server ran: start one, then `rejoinder promote %(adapter)s`.",
    "promote": "It passed and serves nobody yet: `rejoinder promote %(adapter)s`, or give the canary a "
    "share in the policy.",
    "first_picks": "Nobody has picked between %(adapter)s and the base yet: it takes %(missing)s picks at "
    "least.",
    "more_picks": "%(missing)s more picks decide about %(adapter)s if its share stays at %(share)s %%: let "
    "agents judge.",
    "more_agents": "%(missing)s more agents must pick between %(adapter)s and the base: few may be of one "
    "taste.",
    "not_ahead": "%(adapter)s has %(share)s %% of %(picks)s picks: more picks alone will not prove it "
    "better.",
    "nothing": "Nothing needs to be done.",
}
# Of the gate: what helps against each reason. Keys of the recipe, as docs/training.md explains them.
REMEDIES = {
    "cannot_fit": "check_data",
    "worse_than_uniform": "more_data",
    "worse_than_slot": "more_data",
    "worse_than_length": "more_data",
    "no_change": "warm_up",
    "wrong_language": "look_at_picks",
    "copies_customer": "look_at_picks",
    "flatters": "look_at_picks",
    "gives_in": "look_at_picks",
    "gives_personal_data": "look_at_picks",
    "makes_up_links": "look_at_picks",
    "drifted": "cool_down",
    "forgot": "cool_down",
    "perplexity_grew": "cool_down",
    "implausible": "cool_down",
    "broken_greedy": "cool_down",
    "broken_sampled": "cool_down",
    "too_short": "hold_length",
    "too_long": "hold_length",
    "repeats_itself": "keep_variety",
    "worse_than_serving": "keep_serving",
    "no_replies": "measure_replies",
}
HELD_OUT_SHARE = 10  # one conversation in so many is in the test split
DIED = re.compile(r"its worker died (\d+) times")
SAID = re.compile(r"run \S+ failed: (.+)", re.DOTALL)  # what the training process logs of an error it knows
SERVING_STATES = ("canary", "live")


@dataclass(frozen=True)
class Advice:
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "text": ADVICE[self.code] % self.values, "values": dict(self.values)}


def advise(facts: NightFacts, outcome: str, policy: ExposurePolicy) -> list[Advice]:
    """What helps, in the order of doing it; one line that says so where nothing has to be done."""
    run = facts.run
    found: list[Advice] = []
    if outcome == "skipped":
        found += [advise_skipped(reason) for reason in run.reasons]
    elif outcome == "failed":
        found += [*advise_failed(run.id, run.error or ""), Advice("run_again")]
    elif outcome == "cancelled":
        found.append(Advice("run_again"))
    elif outcome == "refused":
        found += advise_refused(run.reasons)
    elif outcome == "unpublished":
        found.append(Advice("start_engine", {"adapter": run.adapter}))
    elif outcome == "waiting":
        found.append(Advice("promote", {"adapter": run.adapter}))
    if outcome not in ("unpublished", "waiting"):
        for name in sorted(facts.serving.named):
            found += advise_picks(facts.supports[name], policy)
            found += advise_agents(name, facts.decisions.get(name))
    return found or [Advice("nothing")]


def advise_skipped(reason: Mapping[str, Any]) -> Advice:
    if reason.get("code") != "too_little_new":
        return Advice("bring_data")
    found, needed = reason["value"], reason["limit"]
    return Advice("judge_more", {"missing": needed - found, "needed": needed, "found": found})


def advise_failed(run_id: str, error: str) -> Iterator[Advice]:
    """An error of ours says itself what to do; of others only the log can tell."""
    died, said = DIED.search(error), list(SAID.finditer(error))
    if died:
        yield Advice("give_memory", {"times": int(died[1])})
    elif said:
        yield Advice("follow_error", {"remedy": said[-1][1].strip()})
    else:
        yield Advice("read_log", {"run": run_id})


def advise_refused(reasons: list[dict[str, Any]]) -> list[Advice]:
    """Several reasons may have one remedy: it is named once."""
    found: dict[str, Advice] = {}
    for reason in reasons:
        code = str(reason.get("code"))
        if code == "no_evidence":
            missing = int(reason["limit"]) - int(reason["value"] or 0)
            values = {"missing": missing, "choices": HELD_OUT_SHARE * missing}
            found["collect_evidence"] = Advice("collect_evidence", values)
        elif code in REMEDIES:
            found.setdefault(REMEDIES[code], Advice(REMEDIES[code]))
        else:
            found[code] = Advice("see_reason", {"code": code})
    return list(found.values())


def advise_picks(support: Support, policy: ExposurePolicy) -> Iterator[Advice]:
    """How many picks are missing until something serves on proof; nothing once they suffice."""
    adapter, decided = support.adapter, support.decided
    if not decided:
        yield Advice("first_picks", {"adapter": adapter, "missing": policy.min_picks})
        return
    share = round(100 * support.tuned / decided)
    missing = count_needed(Evidence(adapter, support.tuned, support.base, support.halves), policy)
    if missing is None:
        yield Advice("not_ahead", {"adapter": adapter, "share": share, "picks": decided})
    elif missing > 0:
        yield Advice("more_picks", {"adapter": adapter, "missing": missing, "share": share})


def advise_agents(adapter: str, decision: ExposureDecision | None) -> Iterator[Advice]:
    """How many agents the last look at the picks found missing."""
    for reason in decision.reasons if decision is not None and decision.verdict == "hold" else ():
        if reason["code"] == "agents":
            missing = int(reason["limit"] - reason["value"])
            yield Advice("more_agents", {"adapter": adapter, "missing": missing})
