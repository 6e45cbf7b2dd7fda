"""What may go wrong with runs, adapters and deployments; all of them are answers of the web too.

ApiError
  Conflict (409)
    StaleLease, IllegalRunState       a run that another worker holds, or that has ended
    RunNotEnded                       or that has not
    StaleFence, NothingToRollBack     a deployment that another one overtook
    IllegalTransition, AdapterErased  an adapter whose state or data forbids it
    AdapterVetoed, ApprovalMissing    or people do
    VetoNotGiven                      who have no veto
    AdapterFilesMissing, AdapterNotFit  or whose files do
    EngineAway                        no model server to ask
"""

from feedback.errors import Conflict


class StaleLease(Conflict):
    """The worker was taken over, or its run was cancelled: it must stop and write nothing more."""

    def __init__(self, run_id: str, token: int, fence: int, state: str) -> None:
        super().__init__(
            "stale_lease",
            f"Run {run_id} is {state} with fence {fence}; this worker holds fence {token}.",
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


class StaleFence(Conflict):
    """Somebody deployed in between: what this caller decided rests on a state that is no more."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            "stale_fence",
            f"The deployment was decided at fence {expected}, but the fence is {found} now.",
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
            "Refused adapters are never served; train another one.",
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


class VetoNotGiven(Conflict):
    def __init__(self, role: str) -> None:
        super().__init__(
            "veto_not_given",
            f"This desk's policy gives the role {role!r} no veto.",
            "Ask an admin to veto it, or set [approval] expert_veto in the policy file.",
        )


class AdapterFilesMissing(Conflict):
    def __init__(self, adapter: str, path: str) -> None:
        super().__init__(
            "adapter_files_missing",
            f"The files of adapter {adapter} are not at {path}.",
            "Restore the data directory from a backup, or train another one.",
        )


class AdapterNotFit(Conflict):
    """Its files were refused or its probe failed; nothing of it serves."""

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
