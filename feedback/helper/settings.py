"""Settings of the helper: table `[helper]` of rejoinder.toml. `REJOINDER_HELPER__<FIELD>` in the environment
wins over it. Nothing is opened here but the file of the key, when it is asked for.
"""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

OWN = "own"
RECHECK = "recheck"


class HelperSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="REJOINDER_HELPER__")

    data_dir: Path = Path("var")
    """Directory of everything that is kept; set once for all packages by the entry point."""

    address: str = ""
    """Where the helper answers: an OpenAI-compatible address such as https://api.example.org/v1, or `own` for
    the engine here. Empty: there is no helper, and everything works without one.
    """

    model: str = ""
    """Name of the model at that address; `own` takes the base model."""

    key: SecretStr | None = None
    """Key of the address; set it by the variable REJOINDER_HELPER__KEY rather than in the settings file."""

    key_file: Path | None = None
    """File that holds the key, read at each start."""

    uses: tuple[Literal["tag", "compare", "rate", "filter", "recheck"], ...] = ()
    """What it does by itself in open tasks that ask everybody: `tag`, `compare` and `rate` items as people
    do, `filter` the texts that people wrote; `recheck` looks at what people settled, too, and one more person
    is asked what it doubts. Its answers are hidden, and no votes, until it is trusted.
    """

    timeout_s: float = Field(default=60, gt=0, le=600)
    """Seconds that one answer may take in all."""

    daily_tokens: int = Field(default=200_000, ge=1)
    """Tokens a day (UTC) that requests and answers may take together. What would go over it waits."""

    price_in: float = Field(default=0, ge=0)
    """Price of a million tokens sent, in the currency of your bill."""

    price_out: float = Field(default=0, ge=0)
    """Price of a million tokens answered."""

    @property
    def rechecks(self) -> bool:
        return RECHECK in self.uses

    @property
    def is_on(self) -> bool:
        return bool(self.address)

    @property
    def is_own(self) -> bool:
        return self.address == OWN

    @property
    def host(self) -> str:
        """The name under which calls are kept: never with what an address may carry of a user or key."""
        parts = urlsplit(self.address)
        return (
            self.address
            if self.is_own
            else f"{parts.hostname}:{parts.port}"
            if parts.port
            else str(parts.hostname)
        )

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if not self.address or self.is_own:
            return self
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("address: write own, or an address such as https://api.example.org/v1")
        if not self.model:
            raise ValueError("model: name the model at the address")
        return self
