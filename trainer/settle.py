"""Settings of engine and sets as a base needs them: what nobody set is chosen by the facts about the base.

Shared by `up`, which hands them to its children, by a web or a trainer that is started alone, and by commands
that act for themselves.
"""

import json
import logging
from typing import Any

from feedback.settings import FeedbackSettings
from feedback.store.new_records import Counted
from serving.backend import resolve_backend
from serving.base import resolve_base
from serving.errors import ServingError
from serving.facts.defaults import ChosenSetting, choose_settings
from serving.facts.profile import read_profile
from serving.settings import ServingSettings
from trainer.errors import TrainerError
from trainer.recipes.recipe import load_recipe
from trainer.settings import TrainerSettings

LONGEST_DEADLINE_S = 600.0  # the most that [feedback] set_deadline_s takes

log = logging.getLogger(__name__)


def settle_serving(
    settings: ServingSettings, trainer: TrainerSettings
) -> tuple[ServingSettings, list[ChosenSetting]]:
    """The settings with what was chosen for the base, and the choices.

    Unchanged where engines elsewhere serve or the base is not here.
    """
    if settings.replicas:
        return settings, []
    try:
        profile = read_profile(resolve_base(settings.base_model))
        rank = load_recipe(trainer.recipe_for(settings.base_model)).rank
    except (ServingError, TrainerError, OSError):
        return settings, []  # told by who needs base or recipe
    chosen = choose_settings(settings, profile, backend=resolve_backend(settings), rank=rank)
    return settings.model_copy(update={one.name: one.value for one in chosen}), chosen


def find_learnt(trainer: TrainerSettings, serving: ServingSettings) -> Counted:
    """What the recipe of the settings learns from; of one that cannot be read, which a run tells, choices."""
    try:
        return load_recipe(trainer.recipe_for(serving.base_model)).learns_from
    except TrainerError:
        return "choices"


def settle_and_log(settings: ServingSettings, trainer: TrainerSettings) -> ServingSettings:
    """The settings with what was chosen for the base, for a process of its own: its log names each choice."""
    settled, chosen = settle_serving(settings, trainer)
    for one in chosen:
        log.info("chosen: %s", one)
    return settled


def settle_deadline(settings: FeedbackSettings, serving: ServingSettings) -> list[ChosenSetting]:
    """How long a set may take, where nothing is set: no less than one request to the engine."""
    wanted = min(LONGEST_DEADLINE_S, serving.request_timeout_s)
    if "set_deadline_s" in settings.model_fields_set or wanted <= settings.set_deadline_s:
        return []
    return [ChosenSetting("set_deadline_s", wanted, "as long as a request to the engine may take")]


def list_variables(chosen: list[ChosenSetting], table: str) -> dict[str, str]:
    """The environment variables with which a child process reads the same settings of this table."""
    return {f"REJOINDER_{table}__{one.name.upper()}": _write(one.value) for one in chosen}


def _write(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)
