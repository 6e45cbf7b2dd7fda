"""The settings, ports and environment variables of one start of `rejoinder up`; children get the settings
through the variables.

It reads settings and looks for free ports; it starts nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from commands.frame import Frame
from commands.instance import find_port, require_port
from feedback.settings import FeedbackSettings
from serving.settings import ServingSettings


@dataclass(frozen=True)
class StartPlan:
    """Settings of this start, and the variables with which child processes read equal settings."""

    frame: Frame
    feedback: FeedbackSettings
    serving: ServingSettings
    environment: dict[str, str]

    @property
    def address(self) -> str:
        host = f"[{self.feedback.host}]" if ":" in self.feedback.host else self.feedback.host
        return f"http://{host}:{self.feedback.port}"


def make_plan(frame: Frame, *, port: int | None, base_model: str | None) -> StartPlan:
    """Reads the settings and chooses the ports; an error lists all faults at once."""
    frame.check_settings()
    feedback = frame.feedback(**({} if port is None else {"port": port}))
    if feedback.port == 0:
        feedback = feedback.model_copy(update={"port": find_port(feedback.host, 0)})
    require_port(feedback.host, feedback.port)
    environment = {**frame.environment(), "REJOINDER_FEEDBACK__PORT": str(feedback.port)}
    if base_model is not None and Path(base_model).is_dir():
        base_model = str(Path(base_model).resolve())  # the children run in another directory
    if Path(feedback.policy).suffix:  # a file: the children run in another directory
        environment["REJOINDER_FEEDBACK__POLICY"] = str(Path(feedback.policy).resolve())
    serving = frame.serving(**({} if base_model is None else {"base_model": base_model}))
    environment["REJOINDER_SERVING__BASE_MODEL"] = serving.base_model
    if not serving.replicas:
        serving = serving.model_copy(update={"port": find_port(serving.host, serving.port)})
        environment["REJOINDER_SERVING__PORT"] = str(serving.port)
    return StartPlan(frame, feedback, serving, environment)
