"""Why something did not become a training record: every reason has one code and one sentence, both are
counted and shown.

A refusal is a value, not an exception: a bad line or an undone judgement never stops an import or a dataset
build.
"""

from collections import Counter
from dataclasses import dataclass, field

REASONS: dict[str, str] = {
    # what an agent did
    "none": "the agent said that none of the replies is good",
    "skip": "the agent gave the turn back to the queue",
    "undone": "the agent took the judgement back",
    "unblinded": "the person had seen which arm each reply came from",
    # what was on the screen
    "reply_unavailable": "the judgement names a reply that was not available",
    "set_not_ready": "the set was not ready when it was judged",
    "erased": "the texts were erased",
    "fewer_than_two_replies": "fewer than two different replies were on offer",
    "tie_of_all": "all replies were called equally good, which prefers none",
    "blank_text": "the text that was preferred is blank",
    "too_close": "the preferred and the other text are closer than 0.05 and say the same",
    "equal_texts": "chosen and rejected are the same text",
    # thumbs
    "taken_back": "the customer took the thumb back",
    "no_prompt": "the message has no stored prompt to go with it",
    "split_across": "an up and a down that would match lie in different splits",
    # the form of a line
    "broken_gzip": "the file is not whole gzip; reading stopped here",
    "line_too_long": "the line is longer than the limit",
    "invalid_utf8": "the line is not UTF-8",
    "invalid_json": "the line is not JSON",
    "not_a_number": "the line holds NaN or an infinite number",
    "not_storable": "a text holds a NUL character or an unpaired surrogate",
    "not_an_object": "the line is JSON but no object",
    "unknown_kind": "the kind is none of pick, edit, own, tie",
    "unknown_role": "a role is none of those this form knows",
    "several_messages": "the reply is more than one message; what all replies share belongs into the prompt",
    "kind_mismatch": "the kind does not go with the other fields",
    "nothing_picked": "no reply is picked and no own text is given",
    "picked_out_of_range": "picked names a reply that is not in the list",
    "empty_prompt": "the prompt has no message",
    "blank_prompt": "the last message of the prompt is blank",
    "prompt_not_from_user": "the prompt does not end with the user (or a tool's result)",
    "no_turns": "the conversation has no turn",
    "bad_time": "a time is not ISO 8601",
    "id_taken": "another record of this source has the id, with other content",
}


@dataclass(frozen=True)
class Refusal:
    """Why there is no record. `detail` helps a person to find the place; only `reason` is counted."""

    reason: str
    detail: str = ""


@dataclass
class RejectionCounts:
    """Counts of refusals by reason."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, refusal: Refusal) -> None:
        self.counts[refusal.reason] += 1

    def to_json(self) -> dict[str, int]:
        return dict(sorted(self.counts.items()))


def explain(reason: str) -> str:
    """The sentence for a reason. The codes `missing_field:NAME` and `wrong_type:NAME` contain the name of the
    field.
    """
    code, _, name = reason.partition(":")
    if code == "missing_field":
        return f"the field {name!r} is missing"
    if code == "wrong_type":
        return f"the field {name!r} has a wrong type or value"
    return REASONS.get(reason, reason)
