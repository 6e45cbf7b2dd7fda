"""What may go wrong at the web edge or with runs and adapters, each with the status and the code that a
client sees.

    ApiError
      BodyUnreadable, BodyInvalid, FilterUnknown, BodyTooLarge, TextNotStorable   what was sent
      SignInNeeded, TokenInvalid, CsrfFailed, NotPermitted              who sent it
      NotFound, Conflict                                                what it names
      EventConflict                                                     an event id used twice
      StaleLease, IllegalRunState, RunNotEnded                          a run's lease, its state, its report
      StaleFencingToken, NothingToRollBack                                     what serves by now
      IllegalTransition, AdapterErased, AdapterVetoed, ApprovalMissing, AdapterFilesMissing,
      CheckpointServes, CheckpointStarts                                why an adapter may not serve
      StoreBusy, StoreFull                                              503, the only 5xx a client can cause

An error that one module alone raises stands in that module. Rendering lives in
`feedback/web/error_pages.py`; this module knows no Flask.
"""

from collections.abc import Iterable, Mapping


class ApiError(Exception):
    """An answer that reports a failure: HTTP status, stable code, one sentence, and what to do."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s

    def to_json(self) -> dict[str, dict[str, str]]:
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint}}


class BodyUnreadable(ApiError):
    def __init__(self, why: str) -> None:
        super().__init__(
            400, "body_unreadable", f"The body is not readable JSON: {why}.", "Send one JSON object in UTF-8."
        )


class BodyInvalid(ApiError):
    """One or more fields are missing, unknown or out of range; all are named at once."""

    def __init__(self, faults: Iterable[str], *, where: str = "body") -> None:
        super().__init__(
            422,
            f"{where}_invalid",
            f"The {where} does not fit: " + "; ".join(faults) + ".",
            "See /openapi.json for the fields of this call.",
        )


class FilterUnknown(ApiError):
    """Filters of a query that are not understood. `faults` maps the name of a parameter to its value."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        named = "; ".join(f"{name}={value[:80]!r}" for name, value in faults.items())
        super().__init__(
            422,
            "query_invalid",
            f"These filters are not understood: {named}.",
            "Leave them out, or choose them on the page /console/conversations.",
        )
        self.faults = faults


class TextNotStorable(ApiError):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            422,
            "text_not_storable",
            f"The text at {where} holds {what}, which no store can keep.",
            "Remove NUL characters and unpaired surrogates before sending.",
        )


class BodyTooLarge(ApiError):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            413,
            "body_too_large",
            f"The body is larger than {limit_bytes} bytes.",
            "Send less, or use `rejoinder import`.",
        )


class SignInNeeded(ApiError):
    def __init__(self) -> None:
        super().__init__(
            401,
            "sign_in_needed",
            "This call needs a token or a signed-in page.",
            "Send `Authorization: Bearer <token>`; `rejoinder token create --role ROLE` prints one.",
        )


class TokenInvalid(ApiError):
    def __init__(self) -> None:
        super().__init__(
            401,
            "token_invalid",
            "The token is unknown or was revoked.",
            "Create another with `rejoinder token create --role ROLE`.",
        )


class CsrfFailed(ApiError):
    def __init__(self, why: str) -> None:
        super().__init__(
            400, "csrf_failed", f"The page's CSRF check failed: {why}", "Reload the page and try again."
        )


class NotPermitted(ApiError):
    def __init__(self, role: str, allowed: Iterable[str]) -> None:
        super().__init__(
            403,
            "not_permitted",
            f"The role {role!r} may not do this; it is open to {', '.join(sorted(allowed))}.",
            "Use a token of one of these roles.",
        )


class NotFound(ApiError):
    """There is nothing with this id in the desk (404). `what` is a word of the vocabulary: conversation,
    turn, set, message, judgement, run, adapter, dataset.
    """

    def __init__(self, what: str, id: str) -> None:
        self.what = what
        super().__init__(
            404,
            f"{what}_not_found",
            f"There is no {what} {id!r} here.",
            "Check the id; what belongs to another desk is not shown.",
        )


class Conflict(ApiError):
    """The call is well formed and permitted, but the state of what it names does not allow it (409)."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(409, code, message, hint)


class EventConflict(Conflict):
    def __init__(self, event_id: str) -> None:
        super().__init__(
            "event_conflict",
            f"The event id {event_id} was used for another call.",
            "Make a new UUID for each new event; repeat an old one only with exactly the same body.",
        )


class StoreBusy(ApiError):
    def __init__(self, why: str = "") -> None:
        super().__init__(
            503,
            "store_busy",
            "The store is busy; nothing was written." + (f" ({why})" if why else ""),
            "Send the same event again in a moment.",
            retry_after_s=1,
        )


class StoreDamaged(ApiError):
    def __init__(self, why: str = "") -> None:
        super().__init__(
            503,
            "store_damaged",
            "The store is damaged; nothing was written." + (f" ({why})" if why else ""),
            "Restore a backup (deploy/restore.sh).",
            retry_after_s=60,
        )


class StoreFull(ApiError):
    def __init__(self, why: str = "") -> None:
        super().__init__(
            503,
            "store_full",
            "The store is full; nothing was written." + (f" ({why})" if why else ""),
            "Free disk space, then send the same event again.",
            retry_after_s=30,
        )


class StaleLease(Conflict):
    """The worker's run was taken over by another worker or cancelled: it must stop and write nothing more."""

    def __init__(self, run_id: str, token: int, fencing_token: int, state: str) -> None:
        super().__init__(
            "stale_lease",
            f"Run {run_id} is {state} with fencing token {fencing_token}; "
            f"this worker holds fencing token {token}.",
            "Stop this worker: another one has the run, or it has ended.",
        )


class IllegalRunState(Conflict):
    def __init__(self, run_id: str, state: str, wanted: str) -> None:
        super().__init__(
            "run_ended", f"Run {run_id} is {state} and cannot become {wanted}.", "Ask for a new run instead."
        )


class RunNotEnded(Conflict):
    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(
            "run_not_ended",
            f"Run {run_id} is {state}: its report is written when it has ended.",
            "Follow it under /console/runs, and ask again then.",
        )


class StaleFencingToken(Conflict):
    """Somebody else deployed meanwhile, so this caller decided on a state that is out of date."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            "stale_fence",
            f"The deployment was decided at fencing token {expected}, but the fencing token is {found} now.",
            "Look at what serves now and decide again.",
        )


class NothingToRollBack(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "nothing_to_roll_back",
            "The base serves alone; no adapter is live or on trial.",
            "Nothing needs to be done.",
        )


class IllegalTransition(Conflict):
    def __init__(self, adapter: str, from_state: str, to_state: str) -> None:
        super().__init__(
            "adapter_state",
            f"Adapter {adapter} is {from_state} and cannot become {to_state}.",
            "GET /v1/adapters tells the state of each; what the gate refused never serves.",
        )


class AdapterErased(Conflict):
    def __init__(self, adapter: str) -> None:
        super().__init__(
            "adapter_erased",
            f"Adapter {adapter} was trained on records that have been erased since.",
            "Train another one without them.",
        )


class AdapterVetoed(Conflict):
    def __init__(self, adapter: str, actor: str, reason: str) -> None:
        self.actor = actor
        super().__init__(
            "adapter_vetoed",
            f"Adapter {adapter} is vetoed by {actor}: {reason}",
            f"Train another one, or ask {actor} to approve this one instead, which takes the veto back.",
        )


class ApprovalMissing(Conflict):
    """The policy asks for a second person, and nobody else has approved the adapter."""

    def __init__(self, adapter: str, actor: str) -> None:
        super().__init__(
            "approval_missing",
            f"Adapter {adapter} has no approval by anybody but {actor}.",
            "Ask another expert or admin to approve it on its page, or with "
            f"POST /v1/adapters/{adapter}/approve; then promote it.",
        )


class ExpertScoreLow(Conflict):
    """The policy asks for an expert score that the adapter does not have, or has none of yet."""

    def __init__(self, adapter: str, low: float | None, limit: float) -> None:
        found = "is not known yet" if low is None else f"may be as low as {low:.2f}"
        super().__init__(
            "expert_score_low",
            f"The expert score of adapter {adapter} {found}; the policy asks for {limit:g} at least.",
            f"Have its replies rated with POST /v1/adapters/{adapter}/scores and close that round, or change "
            "[approval] min_expert_score in the policy file.",
        )


class AdapterOfOtherBase(Conflict):
    """An adapter changes the weights of the base that it was trained on, and means nothing on another one."""

    def __init__(self, adapter: str, base_id: str, served_id: str) -> None:
        super().__init__(
            "adapter_of_other_base",
            f"Adapter {adapter} was trained on base {base_id[:16]}; the base here is {served_id[:16]}.",
            "Serve its base again ([serving] base_model), or train another one on this base.",
        )


class CheckpointServes(Conflict):
    """The second engine holds one checkpoint, and another one serves."""

    def __init__(self, checkpoint: str, other: str) -> None:
        super().__init__(
            "checkpoint_serves",
            f"Checkpoint {checkpoint} cannot serve while checkpoint {other} does: one engine beside "
            "that of the base serves one of them.",
            f"Roll {other} back or promote an adapter in its place, then promote {checkpoint}.",
        )


class CheckpointStarts(Conflict):
    """The engine of a checkpoint takes longer to start than its publisher waits."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__(
            "checkpoint_starts",
            f"The engine of checkpoint {checkpoint} is being started and does not serve it yet.",
            "Promote it again in a minute; `rejoinder status` says what the second engine does.",
        )


class AdapterFilesMissing(Conflict):
    def __init__(self, adapter: str, path: str) -> None:
        super().__init__(
            "adapter_files_missing",
            f"The files of adapter {adapter} are not at {path}.",
            "Restore the data directory from a backup, or train another one.",
        )
