"""The sentence about a run that is under way, stuck or failed. Pure functions."""

import re
from datetime import timedelta
from typing import Any

from feedback.morning.facts import MorningFacts
from feedback.morning.said import Action, MorningSentence
from feedback.store.tables import Run

# A worker looks every few seconds and takes a silent one's run over; after so long nobody does.
PATIENCE = timedelta(minutes=10)
DIED = re.compile(r"its worker died (\d+) times")
SAID = re.compile(r"run \S+ failed: (.+)", re.DOTALL)  # what the training process logs of an error it knows


def say_stuck(facts: MorningFacts) -> MorningSentence | None:
    """Signs that no trainer works: a nightly run that nobody requested, or a run that nobody executes."""
    run, start = facts.going, Action("start_trainer")
    if run is not None and run.state == "queued" and facts.at - run.created_at > PATIENCE:
        return MorningSentence("run_unclaimed", start, {"since": run.created_at})
    if run is not None and run.lease_until is not None and facts.at - run.lease_until > PATIENCE:
        return MorningSentence("run_abandoned", start, name_step(run))
    if facts.missed is not None and run is None:
        return MorningSentence("night_missed", start, {"due": facts.missed})
    return None


def say_going(facts: MorningFacts) -> MorningSentence | None:
    run = facts.going
    if run is None:
        return None
    values = {**name_step(run), "progress": round(100 * run.progress)}
    if run.state == "queued":
        return MorningSentence("run_waits", Action("wait"), {"run": run.id})
    if run.lease_until is not None and run.lease_until <= facts.at:
        return MorningSentence("run_interrupted", Action("wait"), name_step(run))
    return MorningSentence(
        "run_continued" if run.fencing_token > 1 else "run_goes_on", Action("wait"), values
    )


def say_failed(facts: MorningFacts) -> MorningSentence | None:
    run = facts.ended
    if run is None or run.state != "failed":
        return None
    error = run.error or ""
    died, said = DIED.search(error), list(SAID.finditer(error))
    values: dict[str, Any] = {**name_step(run), "serves": facts.serves}
    if died:
        return MorningSentence("run_killed", Action("give_memory"), {**values, "times": int(died[1])})
    if said:
        return MorningSentence("run_failed", Action("follow_error", {"remedy": said[-1][1].strip()}), values)
    return MorningSentence("run_failed", Action("read_log", {"run": run.id}), values)


def name_step(run: Run) -> dict[str, Any]:
    return {"run": run.id, "step": run.step or "collect"}
