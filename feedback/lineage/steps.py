"""One step of lineage by its address: what it is, and its neighbours in both directions.

Each kind has a function in the module that is named with it below. What one of them names as `after`, the
other names as `before`. A step is read in one short transaction.
"""

from collections.abc import Callable, Mapping

from feedback.errors import NotFound
from feedback.lineage import duels, records, service, talk
from feedback.lineage.graph import Ref, Step
from feedback.lineage.scope import Scope


class Tracer(Scope):
    """Looks steps up."""

    def look(self, ref: Ref) -> Step:
        """Raises NotFound, also for a kind that there is not."""
        looked = LOOKS.get(ref.kind)
        step = looked(self, ref) if looked else None
        if step is None:
            raise NotFound(ref.kind if looked else "step", ref.id)
        return step


LOOKS: Mapping[str, Callable[[Scope, Ref], Step | None]] = {
    "message": talk.look_message,
    "set": talk.look_set,
    "judgement": talk.look_judgement,
    "choice": records.look_record,
    "pair": records.look_record,
    "thumb": records.look_record,
    "dataset": records.look_dataset,
    "run": service.look_run,
    "adapter": service.look_adapter,
    "duel": duels.look_duel,
    "verdict": duels.look_verdict,
    "report": service.look_report,
    "decision": service.look_decision,
    "exposure": service.look_exposure,
    "approval": service.look_approval,
    "deployment": service.look_deployment,
}
