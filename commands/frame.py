"""Shared by every sub-command: --config and --data-dir, and the settings they name. Opens nothing."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from commands.errors import SettingsWrong
from commands.instance import is_running, read_holder
from feedback.deployment.policy import Policy, PolicyRefused, load_policy
from feedback.helper.settings import HelperSettings
from feedback.morning.outlook import Outlook
from feedback.settings import FeedbackSettings
from serving.config import load_settings
from serving.errors import SettingsFault
from serving.settings import ServingSettings
from trainer.settings import TrainerSettings
from trainer.settle import find_learnt, settle_serving

CONFIG_NAME = "rejoinder.toml"


@dataclass(frozen=True)
class Frame:
    """The location of an instance: its data directory and its settings file."""

    data_dir: Path
    config: Path | None

    def serving(self, **overrides: Any) -> ServingSettings:
        # A base model chosen by `up --base-model` applies to every other command too.
        chosen = read_holder(self.data_dir).get("base_model") if is_running(self.data_dir) else None
        if chosen is not None:
            overrides = {"base_model": chosen, **overrides}
        return load_settings(
            ServingSettings, "serving", config=self.config, data_dir=self.data_dir, **overrides
        )

    def settled(self) -> ServingSettings:
        """The settings of the engine with what is chosen for the base where nothing is set, as `up` has
        them.
        """
        return settle_serving(self.serving(), self.trainer())[0]

    def feedback(self, **overrides: Any) -> FeedbackSettings:
        return load_settings(
            FeedbackSettings, "feedback", config=self.config, data_dir=self.data_dir, **overrides
        )

    def trainer(self, **overrides: Any) -> TrainerSettings:
        return load_settings(
            TrainerSettings, "trainer", config=self.config, data_dir=self.data_dir, **overrides
        )

    def helper(self) -> HelperSettings:
        return load_settings(HelperSettings, "helper", config=self.config, data_dir=self.data_dir)

    def policy(self) -> Policy:
        """The gate's policy; raises PolicyRefused if it is inconsistent."""
        return load_policy(self.feedback().policy_for(self.serving().base_model))

    def outlook(self) -> Outlook:
        """What the sentence of the morning depends on besides the store."""
        trainer = self.trainer()
        told = trainer.min_new_choices, trainer.timetable(), find_learnt(trainer, self.serving())
        return Outlook(self.policy(), self.data_dir, *told)

    def check_settings(self) -> None:
        """Reads all tables and the policy. Raises SettingsWrong with the faults of all of them."""
        faults = []
        for read in (self.serving, self.feedback, self.trainer, self.helper):
            try:
                read()
            except SettingsFault as fault:
                faults.append(str(fault))
        if not faults:
            try:
                self.policy()
            except PolicyRefused as fault:
                faults.append(str(fault))
        if faults:
            raise SettingsWrong("\n".join(faults))

    def environment(self) -> dict[str, str]:
        """The environment variables with which a child process finds this instance."""
        found = {"REJOINDER_DATA_DIR": str(self.data_dir.resolve())}
        if self.config is not None:
            found["REJOINDER_CONFIG"] = str(self.config.resolve())
        return found

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Frame":
        config = environment.get("REJOINDER_CONFIG")
        return cls(Path(environment.get("REJOINDER_DATA_DIR", "var")), Path(config) if config else None)


def frame_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --config and --data-dir to a command and passes it their `Frame` as the first argument."""

    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("var"),
        envvar="REJOINDER_DATA_DIR",
        show_default=True,
        show_envvar=True,
        help="Where this instance keeps its state.",
    )
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="REJOINDER_CONFIG",
        show_envvar=True,
        help=f"Settings file  [default: {CONFIG_NAME} beside you, if there is one].",
    )
    @functools.wraps(function)
    def wrapped(*args: Any, data_dir: Path, config: Path | None, **kwargs: Any) -> Any:
        if config is None and Path(CONFIG_NAME).is_file():
            config = Path(CONFIG_NAME)
        return function(Frame(data_dir.resolve(), config), *args, **kwargs)

    return wrapped


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
