"""Everything that can go wrong between Rejoinder and its model server.

ServingError
|- SettingsFault          one or more settings cannot be used, each with its remedy
|- ValuesUnreadable       a policy or recipe, or one that it extends, cannot be read
|- BaseModelUnknown       the base model is no folder and not in the model cache
|- BaseUnfit              the base model cannot be served, by what its files and the engine's source say
|- EngineNotRunning       no file or setting says where an engine listens
|  `- EngineResting      the engine has left the card to a run, and comes back
|- EngineStartFailed      the engine process could not be brought up
|  |- EnginePortTaken     another program listens on its port
|  |- MemoryShort         it would not fit into the memory that is free
|  |- EngineDied          it ended before it was ready
|  `- EngineNotReady      it runs, but was not ready within the limit
|- EngineUnreachable      no connection, or one that broke
|- EngineTimeout          no answer in time
|- EngineRefused          an answer that is not the one asked for
|  |- AdapterNotLoaded    the engine does not know that model name
|  `- PromptTooLong       the prompt does not fit the model's window
|- CheckpointNotServed    a checkpoint is asked for, and the second engine does not serve it
|- AdapterRefused         an adapter's files are not fit to be loaded
`- ProbeFailed            a loaded adapter does not compute what its trainer computed
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


class ServingError(Exception):
    """The base class of all errors of this package: catch it at a process edge."""


@dataclass(frozen=True)
class Fault:
    """One setting that cannot be used: where it came from, its value, the limit it breaks, and the remedy."""

    setting: str
    value: str
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.setting} = {self.value}: {self.limit}. {self.remedy}"


class SettingsFault(ServingError):
    """One or more settings cannot be used; all are listed, so that they can be corrected in one go."""

    def __init__(self, table: str, faults: Iterable[Fault]) -> None:
        self.table = table
        self.faults = list(faults)
        listed = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"the settings of [{table}] cannot be used:\n{listed}")


class ValuesUnreadable(ServingError):
    """A file of values, or one that it extends, cannot be read."""

    def __init__(self, kind: str, path: Path, fault: Fault) -> None:
        self.path = path
        self.fault = fault
        super().__init__(f"{kind} {path} was refused: {fault}")


class BaseModelUnknown(ServingError):
    """The base model is neither a folder nor in the model cache."""

    def __init__(self, base_model: str, looked_at: Path, detail: str) -> None:
        self.base_model = base_model
        super().__init__(
            f"the base model {base_model!r} was not found: {detail} (looked at {looked_at}). Name a "
            f"folder that holds "
            "config.json and *.safetensors, or a model of the Hugging Face hub such as Qwen/Qwen3-0.6B, in "
            "[serving] base_model or BASE_MODEL."
        )


class BaseUnfit(ServingError):
    """The base model was found, but cannot do what is asked of it here."""

    def __init__(self, base_model: str, what: str, obstacles: Iterable[object]) -> None:
        listed = "\n".join(f"  - {one}." for one in obstacles)
        super().__init__(f"the base model {base_model!r} cannot be {what} here:\n{listed}")


class EngineNotRunning(ServingError):
    """No file or setting says where an engine listens."""

    def __init__(self, endpoint_file: Path) -> None:
        super().__init__(
            f"no engine is running here: {endpoint_file} does not name one. Start it with `rejoinder "
            f"up`, or name "
            "remote engines in [serving] replicas."
        )


class EngineResting(EngineNotRunning):
    """The engine has left the card to a run that trains, and is started again afterwards."""

    def __init__(self, until: datetime | None, *, is_gone: bool) -> None:
        """`until`: about when it comes back, if that is known. `is_gone`: whether the card is free by now."""
        self.until, self.is_gone = until, is_gone
        about = f" until about {until:%H:%M} UTC" if until is not None else ""
        ServingError.__init__(
            self, f"the engine rests{about}, since a run trains on its card; it comes back by itself."
        )


class EngineStartFailed(ServingError):
    """The engine process could not be brought up."""


class EnginePortTaken(EngineStartFailed):
    """Another program listens on the engine's port."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        super().__init__(
            f"the engine cannot listen on {host}:{port}: another program does. End that program, or "
            f"choose another "
            "port with [serving] port (0 takes a free one)."
        )


class MemoryShort(EngineStartFailed):
    """The engine would not fit into the memory that is free."""

    def __init__(self, needed_gib: float, available_gib: float) -> None:
        self.needed_gib = needed_gib
        self.available_gib = available_gib
        super().__init__(
            f"the engine needs about {needed_gib:.1f} GiB of memory and {available_gib:.1f} GiB are "
            f"free. End other "
            "programs, lower [serving] kv_cache_gib, or choose a smaller base_model."
        )


class EngineDied(EngineStartFailed):
    """The engine ended before it was ready."""

    def __init__(self, exit_code: int, log_path: Path, log_tail: str, remedy: str) -> None:
        self.exit_code = exit_code
        super().__init__(
            f"the engine ended with code {exit_code} before it was ready. Last lines of "
            f"{log_path}:\n{log_tail}\n{remedy}"
        )


class EngineNotReady(EngineStartFailed):
    """The engine runs, but was not ready within the limit."""

    def __init__(self, timeout_s: float, log_path: Path) -> None:
        super().__init__(
            f"the engine was not ready within {timeout_s:g} s. See {log_path}; on a slow machine raise "
            f"[serving] "
            "ready_timeout_s."
        )


class EngineUnreachable(ServingError):
    """No connection to the engine, or one that broke."""

    def __init__(self, engine_url: str, attempted: str, detail: str) -> None:
        self.engine_url = engine_url
        super().__init__(
            f"could not {attempted}: no connection to the engine at {engine_url} ({detail}). It may be "
            f"restarting; try "
            "again, and see logs/engine.log if it stays away."
        )


class EngineTimeout(ServingError):
    """No answer from the engine in time."""

    def __init__(self, engine_url: str, attempted: str, timeout_s: float) -> None:
        self.engine_url = engine_url
        super().__init__(
            f"could not {attempted}: the engine at {engine_url} did not answer within {timeout_s:g} s. "
            f"It may be "
            "overloaded; try again, or raise [serving] request_timeout_s."
        )


class EngineRefused(ServingError):
    """The engine answered with an error, or with something else than what was asked for."""

    def __init__(self, engine_url: str, attempted: str, status: int, message: str) -> None:
        self.engine_url = engine_url
        self.attempted = attempted
        self.status = status
        self.message = message
        hint = _HINTS.get(status, "") if type(self) is EngineRefused else ""
        text = message.rstrip(". ")
        super().__init__(
            f"could not {attempted}: the engine at {engine_url} answered {status}: {text}.{hint}"
        )


_HINTS = {
    401: " Check [serving] api_key: the engine does not accept it.",
    404: " Check that the address is a vLLM server with run-time LoRA updating switched on.",
}


class AdapterNotLoaded(EngineRefused):
    """The engine does not know that model name: it was restarted, or the adapter was unloaded."""

    def __init__(self, name: str, engine_url: str) -> None:
        self.name = name
        super().__init__(
            engine_url,
            f"use {name}",
            404,
            "no model of that name is loaded; load it again, or wait for the next reconciliation",
        )


class PromptTooLong(EngineRefused):
    """The prompt does not fit the model's window, even after everything that may be left out was left out."""

    def __init__(self, tokens: int, budget: int, engine_url: str = "-") -> None:
        self.tokens = tokens
        self.budget = budget
        super().__init__(
            engine_url,
            "fit the prompt",
            400,
            f"{tokens} tokens are needed and {budget} are allowed; shorten the system prompt, the "
            f"knowledge or the "
            "message, or raise [serving] max_model_len",
        )


class CheckpointNotServed(ServingError):
    """A checkpoint is asked for, and the second engine does not serve it."""

    def __init__(self, name: str, why: str = "it is being started, or serves another one") -> None:
        self.name = name
        super().__init__(
            f"the second engine does not serve checkpoint {name}: {why}. See logs/checkpoint.log and "
            "`rejoinder status`."
        )


class AdapterRefused(ServingError):
    """An adapter's files are not fit to be loaded; `reason_code` is one word for tables and tests."""

    def __init__(self, name: str, reason_code: str, detail: str) -> None:
        self.name = name
        self.reason_code = reason_code
        self.detail = detail
        super().__init__(
            f"adapter {name} was refused ({reason_code}): {detail}. Train or export it again; nothing of "
            f"it was loaded."
        )


class ProbeFailed(ServingError):
    """A loaded adapter does not compute what its trainer computed."""

    def __init__(self, name: str, engine_url: str, detail: str) -> None:
        self.name = name
        self.detail = detail
        super().__init__(
            f"adapter {name} failed its probe on {engine_url}: {detail}. It does not serve; compare base "
            f"model, dtype "
            "and files with those of its training run."
        )
