"""The texts that people read when a request is refused: for each error code one or two sentences and what to
do.

Error pages and page scripts show these, in the reader's language and without ids; programs get the message
and hint of the error itself. `python -m feedback.translations` writes static/refusal_words.js from here. A
test fails for a code of `feedback` that is neither in SENTENCES nor in UNMET.
"""

from collections.abc import Mapping

UNKNOWN = "unknown"  # any code without a text here
GONE = "gone"  # every `<what>_not_found`
NOT_FOUND = "_not_found"

SENTENCES: Mapping[str, str] = {
    UNKNOWN: "This did not work. Reload the page, then try again.",
    GONE: "What this is about is not here, or not any more. Go back and look again.",
    # who asks
    "sign_in_needed": "You are signed out. Sign in, then try again.",
    "token_invalid": "This link or token is no longer valid. Ask for a new one.",
    "csrf_failed": "This page is out of date. Reload it, then try again.",
    "not_permitted": "Your role does not allow this. If it has to be done, ask an admin.",
    "too_many_requests": "Too much came at once. Wait a minute, then try again.",
    # addresses and requests
    "not_found": "There is nothing at this address. Check it, or go back to where you came from.",
    "host_unknown": "This service has another address. Ask whoever runs it for the right one.",
    "method_not_allowed": "This address cannot be used like that. Go back and try again from the page.",
    "address_too_long": "The address is too long. Go back and try again from the page.",
    "headers_too_large": "The browser sends too much along. Delete the cookies of this site, then try again.",
    "request_unreadable": "The request could not be read. Reload the page, then try again.",
    "request_refused": "The request was refused. Reload the page, then try again.",
    "request_timeout": "The request took too long to arrive. Check the connection, then try again.",
    "body_too_large": "This is too large. Send less of it.",
    "body_invalid": "Something is missing, too long or not allowed. Check what you entered, then try again.",
    "query_invalid": "A filter in the address is not understood. Go back and choose it again.",
    "text_not_storable": (
        "The text has a character that cannot be kept. Remove unusual characters, then try again."
    ),
    "event_conflict": "This was sent before with other content. Reload the page, then send it again.",
    # the customer's page
    "conversation_erased": "This conversation was deleted and takes no more messages. Go on in another one.",
    "too_many_conversations": (
        "Several of your conversations wait for an answer. Write in one of them, or come back later."
    ),
    "too_many_messages": "This conversation is full. Start a new one.",
    "too_many_thumbs": "There are too many ratings in this conversation. The last ones count.",
    "thumb_outdated": "You rated this elsewhere meanwhile. That rating counts; press again to change it.",
    # the workbench
    "turn_claimed": "A colleague is answering this one. Take another one from the queue.",
    "turn_superseded": "The customer wrote again. Answer the newer message instead.",
    "already_judged": "This one has been answered or closed meanwhile. Take the next one.",
    "set_not_shown": "The suggestions are not on the screen yet. Wait a moment, or write a reply yourself.",
    "candidate_unavailable": "This suggestion cannot be used. Take another one, or write a reply yourself.",
    "already_undone": "This has been taken back already. Nothing is left to do.",
    "reasons_too_late": "Reasons are taken for ten minutes only, and not once the judgement is taken back.",
    # duels
    "duel_over": "This duel has ended already. Reload the page to see its result.",
    "same_contender": "An adapter cannot be compared with itself. Choose another one to compare it with.",
    "other_base": "These two were trained on different bases. Choose two that have the same base.",
    "too_few_prompts": (
        "There are fewer unseen prompts than you asked for. Ask for fewer, or wait for new conversations."
    ),
    # labelling
    "nothing_settled": "Nothing is settled yet that could be checked. Come back later.",
    "task_draft": "This task is not open yet. Take another one, or come back later.",
    "task_paused": "This task is paused. What you wrote stays here; send it once the task goes on.",
    "task_of_duel": "This task belongs to a duel. Close the duel on its own page.",
    "task_closed": "This task is closed and takes no more labels. Go on with another one.",
    "task_of_checks": "This task checks what another one settled, and gets its items from there.",
    "check_by_hand": (
        "A check is made on the page of the task that it checks. A task of rewrites gets its own by itself."
    ),
    "task_of_rewrites": (
        "This task checks what is written in another one. Open, pause or close that one, on its own page."
    ),
    "missed_picks_unknown": (
        "This run has no list of picks that its adapter did not predict. Choose another run."
    ),
    "not_your_tier": "This task is for more experienced people. Choose one of your own list.",
    "not_assigned": "This task is assigned to others. Choose one of your own list.",
    "labeller_paused": "You are paused in tasks of this kind. Talk to whoever runs them.",
    "item_labelled": "You have labelled this one already. Take your label back, or go on with the next one.",
    "item_settled": "Others have settled this one since, so your label stays. Go on with the next one.",
    "item_dropped": "This one was taken out of the task. Go on with the next one.",
    "question_over": "This was answered already, or the conversation went on. There is nothing left to do.",
    "two_answers_over": "One answer was picked already, or the conversation went on. "
    "There is nothing left to do.",
    "two_answers_off": "Two answers cannot be sent here. Send one of them.",
    "two_answers_given": "The customer has had two of these to choose from already. "
    "Send one, or write your own.",
    "label_undone": "This label has been taken back already. Label the item again.",
    "value_unknown": "This answer is none of those allowed here. Reload the page, then choose again.",
    "text_too_long": "The text is too long. Shorten it, then send it again.",
    "own_answer": "You cannot decide about what you said yourself. Go on with the next dispute.",
    "item_not_disputed": "This one has been decided already. Go on with the next dispute.",
    # tags
    "campaign_of_nothing": "A campaign needs a tag or a language. Choose at least one.",
    "campaign_end_past": "This end has passed already. Choose a later one.",
    "no_weak_tags": "What serves is weak in no tag that has enough picks. Choose tags yourself.",
    "campaign_over": "This campaign has come to its end. Start another one.",
    "tag_name_invalid": "This is no name of a tag. Use a short name without slash and colon.",
    "tag_taken": "There is such a tag already. Choose another name, or merge the two.",
    "alias_taken": "This is another name of a tag already. Choose another one, or use that tag.",
    "tag_cycle": "A tag cannot go into itself or into a tag below it. Choose one outside of it.",
    "tag_has_children": "A tag below this one is still in use. Retire, move or merge that one first.",
    "tag_state": "This tag was merged or retired. Restore it first, or choose another one.",
    "tag_changed": "This was changed or used since. Take back the later changes first.",
    "tag_decided": (
        "Somebody has decided this meanwhile, or took it back. Reload the page to see how it stands."
    ),
    "pattern_invalid": (
        "A pattern is one or more words; a star may begin or end a word. Correct it, then save."
    ),
    # runs and adapters
    "run_ended": "This run has ended already. Start a new one instead.",
    "run_not_ended": "This run goes on. Its report is here once it has ended.",
    "stale_fence": "Something else serves by now. Reload the page, then decide again.",
    "nothing_to_roll_back": "The base serves alone, so there is nothing to roll back.",
    "adapter_state": "This adapter is in another state by now. Reload the page to see what can be done.",
    "adapter_of_other_base": (
        "This adapter belongs to another base model than the one that serves. Train one on this base."
    ),
    "adapter_erased": "This adapter learned from records that were erased. Train another one without them.",
    "adapter_vetoed": (
        "This adapter is vetoed. Train another one, or ask for an approval by whoever vetoed it."
    ),
    "expert_score_low": (
        "The policy asks for better expert scores. Have its replies rated on its page, then promote it."
    ),
    "approval_missing": (
        "Nobody else has approved this adapter. Ask another expert or admin, then promote it."
    ),
    "veto_not_given": "The policy gives your role no veto. Ask an admin to veto this adapter.",
    "checkpoint_serves": (
        "Another checkpoint serves, and only one can. Roll that one back or promote an adapter in its place, "
        "then promote this one."
    ),
    "checkpoint_starts": ("The engine of this checkpoint is being started. Promote it again in a minute."),
    "adapter_files_missing": (
        "The files of this adapter are gone. Restore them from a backup, or train another one."
    ),
    "adapter_not_fit": (
        "This adapter failed its checks and cannot serve. The log says why; train another one."
    ),
    "engine_away": "The model server does not answer. Try again once it is back.",
    # sources
    "source_paused": "This source is paused and takes nothing. Ask an admin to resume it.",
    "source_withdrawn": "This source is withdrawn and takes nothing. Ask an admin to resume it.",
    "source_own": "This is what people do here. Leave it out by choosing other sources for a dataset.",
    "source_state": "This source is withdrawn. Resume it first.",
    # datasets
    "selection_empty": "No record falls into this selection. Choose less narrowly, or bring records in.",
    "difficulty_unknown": (
        "How hard a record is, no run has noted yet. Build without the difficulty, or again after a run."
    ),
    "dataset_job_state": "This has gone on meanwhile. Reload the page to see how it stands.",
    # imports
    "import_state": "This import has gone on meanwhile. Reload the page to see how it stands.",
    "upload_too_large": (
        "The file is too large for this page. Pack it with gzip, or use the command rejoinder import."
    ),
    "upload_gap": "Part of the file did not arrive. Choose it again to send it anew.",
    "encoding_unknown": "No text encoding has this name. Choose one of the list, or leave it to be found.",
    "source_reserved": "This name stands for what people do here. Give the source another one.",
    # our side
    "store_busy": "The store is busy, and nothing was saved. Try again in a moment.",
    "store_full": (
        "The store is full, and nothing was saved. Whoever runs this service has to make room first."
    ),
    "store_damaged": (
        "The store is damaged, and nothing was saved. Whoever runs this service has to repair it first."
    ),
    "server_crowded": "There is too much to do just now. Try again in a moment.",
    "server_failed": "Something went wrong on our side. Try again in a moment.",
    "internal": "Something went wrong on our side. Try again in a moment.",
}

# Codes that no page shows, each with the reason.
UNMET: Mapping[str, str] = {
    "body_unreadable": "page scripts send JSON",
    "content_type_wrong": "page scripts say that they send JSON",
    "request_malformed": "browsers speak HTTP",
    "request_too_slow": "the connection is closed: a browser says so itself",
    "candidate_not_in_set": "pages name candidates of the set that they show",
    "message_judged": "pages take back the judgement that sent it",
    "undo_not_undoable": "pages take back what they did, and no undo",
    "set_not_judged": "the page of a set leaves out where its replies came from",
    "not_a_reply": "pages offer thumbs on replies alone",
    "role_unknown": "pages offer the roles there are",
    "id_unknown": "the lineage page has words of its own",
    "id_ambiguous": "the lineage page lists what fits",
    "records_unrecognised": "programs push records",
    "export_empty": "the page of a dataset leads to its export, and the API answers",
    "stale_lease": "only a worker holds a lease",
    "engines_elsewhere": "a move to another base is made by commands alone",
    "no_rebase": "a move to another base is made by commands alone",
    "nothing_learnt": "a move to another base is made by commands alone",
    "rebase_not_proven": "a move to another base is made by commands alone",
    "rebase_not_trained": "a move to another base is made by commands alone",
    "rebase_state": "a move to another base is made by commands alone",
    "rebase_under_way": "a move to another base is made by commands alone",
    "same_base": "a move to another base is made by commands alone",
}

# The heading above the sentence on a page, by HTTP status.
HEADINGS: Mapping[int, str] = {
    403: "This is not open to you",
    404: "Not found",
    429: "Please wait a moment",
}
HEADING = "This did not work"


def find_sentence(code: str) -> str:
    """The English sentence for a code; `gettext` translates it."""
    if code in SENTENCES:
        return SENTENCES[code]
    return SENTENCES[GONE if code.endswith(NOT_FOUND) else UNKNOWN]


def find_heading(status: int) -> str:
    return HEADINGS.get(status, HEADING)
