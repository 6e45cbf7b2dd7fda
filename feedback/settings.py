"""Settings of the web and the store: table `[feedback]` of rejoinder.toml. The environment variable
`REJOINDER_FEEDBACK__<FIELD>` overrides a field.

Read them with `serving.config.load_settings(FeedbackSettings, "feedback", ...)`. This module opens nothing.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.settings import DEMO_BASE

PageLanguage = Literal["en", "zh"]
ChatName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
ChatGreeting = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
ChatExample = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
LIMITS_SCHEMES = ("redis", "rediss", "valkey", "valkeys")


class FeedbackSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="REJOINDER_FEEDBACK__")

    data_dir: Path = Path("var")
    """Directory of everything that is kept; set once for all packages by the entry point."""

    database_url: str = ""
    """Store: empty means SQLite in the data directory, `postgresql+psycopg://...` means PostgreSQL."""

    host: str = "127.0.0.1"
    """Address the web listens on. Anything but loopback needs a proxy with TLS in front."""

    port: int = Field(default=8080, ge=0, le=65535)
    """Port the web listens on; 0 takes a free one."""

    threads: int = Field(default=32, ge=2, le=512)
    """Threads that answer requests, half of them for writes; readers who wait hold none."""

    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """Number of proxies in front whose X-Forwarded-* headers are believed; 0 believes none."""

    public_url: str = ""
    """Address under which people reach the web, such as https://desk.example.org; links begin with it.

    Empty takes the address of the request, or else that of `host` and `port`.
    """

    trusted_hosts: tuple[str, ...] = ()
    """Host names the web answers to, beside loopback, `host` and that of `public_url`."""

    default_language: str = "en"
    """Language of pages and conversations that name none: en or zh."""

    policy: str = ""
    """Policy file of the gate, or the name of a shipped one; empty takes `demo` for the demo model and
    `default`, which shows and promotes nothing, for any other. `rejoinder init` offers `careful`.
    """

    candidates: int = Field(default=4, ge=2, le=8)
    """Suggested replies for each customer turn."""

    set_deadline_s: float = Field(default=30, gt=0, le=600)
    """Seconds after which a candidate that has not come is unavailable for good."""

    suggest_workers: int = Field(default=4, ge=1, le=64)
    """Sets prepared at the same time; each sends the engine two or three requests at once."""

    undo_window_s: float = Field(default=5, ge=0, le=120)
    """Seconds between sending a reply and its release to the customer; undo retracts it within."""

    two_answers: bool = False
    """Whether an agent who marks two suggestions as equally good may send both, for the customer to pick."""

    public_chat: bool | None = None
    """Whether anybody may open a conversation at /chat; off answers 404 there, and an app's customers keep
    their pages. Empty opens it for the demo model alone.
    """

    chat_name: dict[PageLanguage, ChatName] = {}
    """What the customer's page calls the desk, by language: `{en = "Lamp shop", zh = "灯具商店"}`. A language
    that is left out shows the other one's words; empty says "Customer service".
    """

    chat_greeting: dict[PageLanguage, ChatGreeting] = {}
    """First words of the customer's page, by language; empty asks "How can we help?"."""

    chat_examples: dict[PageLanguage, Annotated[tuple[ChatExample, ...], Field(max_length=4)]] = {}
    """Up to four first messages to choose from, by language: `{en = ["Where is my order?"]}`; empty shows
    none, and with the demo model the demo's own.
    """

    limits_url: str = ""
    """Valkey or Redis in which several web processes count callers together, such as redis://host:6379/0;
    empty counts in each process apart.
    """

    visitor_requests: int = Field(default=240, ge=1)
    """Requests a minute of one visitor."""

    visitor_writes: int = Field(default=30, ge=1)
    """Messages and thumbs a minute of one visitor."""

    visitor_conversations: int = Field(default=5, ge=1)
    """Conversations of one visitor that wait for an answer at the same time."""

    visitor_messages: int = Field(default=500, ge=1)
    """Messages of the customer in a conversation after which its visitor writes no more."""

    visitor_thumbs: int = Field(default=500, ge=1)
    """Thumbs of one visitor, changed ones included."""

    address_requests: int = Field(default=1_200, ge=1)
    """Requests a minute from one address (IPv6: one /64) by all who hold no token of an app or of staff."""

    address_openings: int = Field(default=10, ge=1)
    """Conversations a minute opened at /chat from one address."""

    strangers_requests: int = Field(default=6_000, ge=1)
    """Requests a minute of all strangers together: visitors whose conversation no app opened."""

    strangers_openings: int = Field(default=60, ge=1)
    """Conversations a minute opened at /chat by all strangers together."""

    claim_minutes: float = Field(default=1, gt=0, le=240)
    """Minutes that a claim holds off others after it was last prolonged; pages do so every 20 s."""

    session_days: float = Field(default=14, gt=0, le=90)
    """Days after which a browser session ends."""

    sign_in_link_minutes: float = Field(default=60, gt=0, le=10080)
    """Minutes for which a one-time sign-in link works."""

    max_body_bytes: int = Field(default=6_000_000, ge=1_024, le=20_000_000)
    """Largest request body of an app or admin in bytes; a larger one is answered 413."""

    max_page_body_bytes: int = Field(default=65_536, ge=1_024, le=20_000_000)
    """Largest request body of everybody else, customers above all, in bytes."""

    max_upload_bytes: int = Field(default=2_000_000_000, ge=1_024)
    """Largest file in bytes that a page may upload to import it; it is sent in pieces."""

    backup_dir: Path | None = None
    """Where deploy/backup.sh puts its backups, so that the proof of an erasure can name those that still hold
    the texts; empty says that they are not known.
    """

    secret_key: SecretStr | None = None
    """Key that signs page tokens, at least 32 characters; empty makes and keeps `secret.key` in the data
    directory.
    """

    @field_validator("limits_url")
    @classmethod
    def _check_limits_url(cls, url: str) -> str:
        scheme, joint, rest = url.partition("://")
        if url and (scheme not in LIMITS_SCHEMES or not joint or not rest):
            raise ValueError(f"write one of {', '.join(LIMITS_SCHEMES)}, then ://host:port/number")
        return url

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
            raise ValueError("write scheme and host alone, such as https://desk.example.org")
        return url.rstrip("/")

    def opens_chat(self, base_model: str) -> bool:
        """Whether strangers may open conversations: as set; without a setting only with the demo model."""
        return base_model == DEMO_BASE if self.public_chat is None else self.public_chat

    def policy_for(self, base_model: str) -> str:
        """The policy that the settings name, or else the one that suits the base model."""
        return self.policy or ("demo" if base_model == DEMO_BASE else "default")

    def store_url(self) -> str:
        """The store's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'rejoinder.db'}"
