"""Settings of the nightly job: the table `[trainer]` of rejoinder.toml. `REJOINDER_TRAINER__<FIELD>` in the
environment wins over it.

Read through `serving.config.load_settings(TrainerSettings, "trainer", ...)`. What decides the bytes of an
adapter is in the recipe, not here. Nothing is opened here.
"""

import base64
import binascii
from pathlib import Path
from typing import Self

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.settings import DEMO_BASE
from trainer.timetable import Timetable, read_zone

RECIPES = {DEMO_BASE: "demo", "smollm2-135m": "smollm2"}  # of bases that have one of their own
SECRET_PREFIX = "whsec_"
MAKE_SECRET = "`echo whsec_$(openssl rand -base64 32)`"


class TrainerSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="REJOINDER_TRAINER__")

    data_dir: Path = Path("var")
    """Directory of everything that is kept; set once for all packages by the entry point."""

    recipe: str = ""
    """Recipe file, or the name of a built-in one; empty takes `demo` for the demo model, `smollm2` for
    smollm2-135m and `lora_choice` for any other.
    """

    nightly_cron: str = "0 2 * * *"
    """When the nightly run is due, as crontab's five fields in the time zone below.

    A missed time is caught up once at the next start.
    """

    nightly_zone: str = "UTC"
    """Time zone of that table, by its name in the tz database, such as Europe/Berlin."""

    min_new_choices: int = Field(default=50, ge=0)
    """New choices since the last run below which a night is skipped; a run asked for by hand ignores it. Of a
    recipe that learns from thumbs or texts, so many of these.
    """

    trigger_new_choices: int = Field(default=500, ge=1)
    """New choices since the last run that start one at once, without waiting for the night; thumbs or texts
    as above.
    """

    lease_s: float = Field(default=60, ge=0.5, le=3600)
    """Seconds a worker's claim on a run lasts without renewal; a run whose worker died is taken over after
    that.
    """

    poll_s: float = Field(default=2, ge=0.05, le=60)
    """Seconds between two looks for a queued run."""

    nice: int = Field(default=10, ge=0, le=19)
    """Politeness of the training process towards everything else; 19 yields to all."""

    harm_check_s: float = Field(default=60, ge=1, le=3600)
    """Seconds between two analyses of the picks: whether the serving adapter is worse than base, and which
    figures to fit again.
    """

    keep_checkpoints: int = Field(default=2, ge=1, le=100)
    """Newest checkpoints whose files are kept, beside what serves; older ones cannot serve again."""

    engine_wait_s: float = Field(default=180, ge=0, le=3600)
    """Seconds a finished run waits for an engine that restarts before it gives up publishing."""

    retention_days: int = Field(default=0, ge=0, le=36_500)
    """Days after its last message, or after its import, at which the night erases a conversation or record; 0
    keeps all.
    """

    webhook_url: str = ""
    """Where the report of every run that ended is sent, signed as Standard Webhooks say; empty sends
    nothing.
    """

    webhook_secret: SecretStr | None = None
    """Key of that signature: `whsec_` and 24 to 64 random bytes in base64, the same on the other side."""

    @field_validator("nightly_cron")
    @classmethod
    def _check_nightly_cron(cls, expression: str) -> str:
        Timetable(expression, "UTC")
        return expression

    @field_validator("nightly_zone")
    @classmethod
    def _check_nightly_zone(cls, name: str) -> str:
        read_zone(name)
        return name

    @field_validator("webhook_url")
    @classmethod
    def _check_webhook_url(cls, url: str) -> str:
        if url and not is_web_address(url):
            raise ValueError("write an address such as https://hooks.example.org/rejoinder")
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _check_webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not is_webhook_secret(secret.get_secret_value()):
            raise ValueError(f"no webhook secret: make one with {MAKE_SECRET}")
        return secret

    @model_validator(mode="after")
    def _cross_check(self) -> Self:
        if self.webhook_url and self.webhook_secret is None:
            raise ValueError(f"webhook_url needs a webhook_secret: make one with {MAKE_SECRET}")
        return self

    def timetable(self) -> Timetable:
        """The times at which nights are due."""
        return Timetable(self.nightly_cron, self.nightly_zone)

    def recipe_for(self, base_model: str) -> str:
        """The recipe that the settings name, or else the one that suits the base."""
        return self.recipe or RECIPES.get(base_model, "lora_choice")


def is_webhook_secret(secret: str) -> bool:
    """Whether `secret` has the form that Standard Webhooks give to a symmetric key."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith(SECRET_PREFIX) and 24 <= len(key) <= 64


def is_web_address(url: str) -> bool:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parts.scheme in ("https", "http") and bool(parts.host)
