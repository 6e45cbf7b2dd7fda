"""Where the helper is: its client, the name to ask for, and the name under which it is kept."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from feedback.helper.errors import HelperAway, HelperKeyMissing, HelperOff
from feedback.helper.settings import HelperSettings
from serving.backend import ZERO_NAME, resolve_backend
from serving.client.chat import ChatClient
from serving.client.endpoint import Endpoint, read_endpoints
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings


@dataclass(frozen=True)
class HelperAddress:
    """`asked`: the name to send; `model`: that of the rows, which for our engine tells its base.
    `is_own_model`: it answers customers here, too.
    """

    client: ChatClient
    asked: str
    model: str
    host: str
    is_own_model: bool


def open_address(settings: HelperSettings, serving: ServingSettings) -> HelperAddress:
    """The helper of the settings. Raises HelperOff, HelperKeyMissing, HelperAway."""
    if not settings.is_on:
        raise HelperOff
    if not settings.is_own:
        endpoint = Endpoint(settings.address, read_key(settings))
        client = ChatClient(endpoint, timeout_s=settings.timeout_s)
        is_own = settings.model in (serving.base_model, serving.served_name) or serves_here(settings, serving)
        return HelperAddress(client, settings.model, settings.model, settings.host, is_own)
    try:
        engine = read_endpoints(serving, serving.data_dir)[0]
    except EngineNotRunning as error:
        raise HelperAway(settings.host, "engine_not_running") from error
    client = ChatClient(
        Endpoint(f"{engine.url}/v1", engine.api_key), timeout_s=settings.timeout_s, trust_env=False
    )
    # On a CPU a request without an adapter would get the weights of another one in its batch.
    asked = ZERO_NAME if resolve_backend(serving) == "cpu" else serving.served_name
    return HelperAddress(client, settings.model or asked, serving.base_model, settings.host, True)


def serves_here(settings: HelperSettings, serving: ServingSettings) -> bool:
    """Whether the address is that of an engine that generates replies here."""
    try:
        engines = read_endpoints(serving, serving.data_dir)
    except EngineNotRunning:
        return False
    places = {urlsplit(engine.url)[1] for engine in engines}
    return urlsplit(settings.address)[1] in places


def read_key(settings: HelperSettings) -> str:
    """The key from the file or the variable; empty for an address that asks for none."""
    if settings.key_file is not None:
        return _read_file(settings.key_file)
    return settings.key.get_secret_value() if settings.key else ""


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HelperKeyMissing(path) from error
