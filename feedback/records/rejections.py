"""Why something did not become a training record: every reason has one code and one sentence, both are
counted and shown.

A refusal is a value, not an exception: a bad line or an undone judgement never stops an import or a dataset
build.
"""

from dataclasses import dataclass

REASONS: dict[str, str] = {
    # what an agent did
    "none": "whoever judged said that none of the replies is good",
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
    # what other records say
    "copy": "another record says the same: same prompt, same replies, same preference",
    "twin_held_out": "its prompt is nearly that of a conversation held out for validation or test",
    # made records
    "made_unchanged": "the operation finds nothing in its last message that it may change",
    "made_unwritten": "the helper has written no text for it, or has not said whether the reply fits",
    "made_unfit": "as the helper said, its reply does not answer the last message worded otherwise",
    "made_language": "worded otherwise, its last message is in another language",
    "made_facts": "worded otherwise, its last message has other numbers, ids or turning words",
    "made_close": "worded otherwise, its last message is closer than 0.05 to what it was",
    "made_apart": "worded otherwise, its last message is farther than 0.70 from what it was",
    "made_twin": "worded otherwise, its prompt is nearly that of another conversation",
    # thumbs
    "taken_back": "the customer took the thumb back",
    "no_prompt": "the message has no stored prompt to go with it",
    "split_across": "an up and a down that would match lie in different splits",
    # imported conversations
    "not_by_person": "no export says of the whole reply that a person wrote it",
    # what people labelled
    "reopened": "the item is not settled any more: a label was taken back, or a check opened it again",
    "import_undone": "the import that brought what was labelled was undone",
    "unchanged": "nothing was rewritten: the reply was left as it was",
    # the form of a line
    "broken_archive": "the file is not whole gzip or zip; reading stopped here",
    "broken_json": "the JSON is cut off or broken; reading stopped here",
    "broken_table": "the table is damaged; reading stopped here",
    "broken_row": "the row has more or fewer cells than the header, or a quote that does not end",
    "line_too_long": "the line is longer than the limit",
    "wrong_encoding": "the line has bytes that the file's encoding does not know",
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
    "bad_time": "a time is in no form that is known",
    "future_time": "a time lies in the future",
    "no_time": "the record has no time, and only records since a time were asked for",
    "no_difficulty": "no run has read the record yet, and only records of some difficulty were asked for",
    # the record of another tool
    "not_judged": "nobody has judged it yet, or it is no judgement",
    "unclear_label": "the label says neither good nor bad",
    "no_reply": "no answer of the assistant or agent is there",
    "sides_differ_before": "the two conversations differ before their last reply",
    "id_taken": "another record of this source has the id, with other content",
    # where it comes from
    "source_paused": "its source is paused",
    "source_withdrawn": "its source is withdrawn",
    "source_grade": "its source has the grade D, and the selection does not name it",
}


@dataclass(frozen=True)
class Refusal:
    """Why there is no record. `detail` helps a person to find the place; only `reason` is counted."""

    reason: str
    detail: str = ""


def explain(reason: str) -> str:
    """The sentence for a reason. `missing_field:NAME` and `wrong_type:NAME` name the field."""
    code, _, name = reason.partition(":")
    if code == "missing_field":
        return f"the field {name!r} is missing"
    if code == "wrong_type":
        return f"the field {name!r} has a wrong type or value"
    return REASONS.get(reason, reason)
