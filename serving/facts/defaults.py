"""Settings of the engine that suit a base, for those that nobody set: each with the value and where it comes
from.

What is set in the file, the environment or on the command line always wins. For the demo model, which the
defaults of the settings are made for, nothing is chosen but the rank of a recipe that is above them.
"""

from dataclasses import dataclass
from typing import Any, Literal

from serving.base import PACKAGED_BASES
from serving.facts.profile import BaseProfile
from serving.settings import DEMO_BASE, ServingSettings

# The settings that may be chosen for a base.
CHOSEN = (
    "dtype",
    "max_model_len",
    "max_tokens",
    "max_lora_rank",
    "request_timeout_s",
    "chat_template_kwargs",
)
LONGEST_REPLY = 256  # tokens: what a few short paragraphs take, and what recipes measure
_LARGE = 2_000_000_000  # weights from which float32 takes more memory than most machines without a GPU have
_SECONDS_A_TOKEN = 0.5  # of a reply on a busy CPU
_AGAINST_LOOPS = (
    0.3  # off each token for each time it stands in the reply: little in thirty tokens, much in a loop
)
_RANKS = (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class ChosenSetting:
    """One setting that was chosen for a base."""

    name: str
    value: Any
    why: str

    def __str__(self) -> str:
        told = str(self.value).lower() if isinstance(self.value, bool) else str(self.value)
        return f"{self.name} = {told} ({self.why})"


def choose_settings(
    settings: ServingSettings, profile: BaseProfile, *, backend: Literal["cpu", "cuda"], rank: int
) -> list[ChosenSetting]:
    """What is chosen for a base where nothing is set. `rank` is that of the recipe."""
    if settings.base_model == DEMO_BASE:
        wide = rank > settings.max_lora_rank and "max_lora_rank" not in settings.model_fields_set
        return [_choose_rank(rank)] if wide else []
    window, longest = _choose_lengths(settings, profile)
    dtype, why = _choose_dtype(profile, backend)
    wanted = [
        ChosenSetting("dtype", dtype, why),
        ChosenSetting("max_model_len", window, "the base's window is no longer"),
        ChosenSetting("max_tokens", longest, "a few short paragraphs, at most a quarter of the window"),
        _choose_rank(rank),
    ]
    if settings.base_model in PACKAGED_BASES:
        wanted.append(ChosenSetting("frequency_penalty", _AGAINST_LOOPS, "so small a base falls into loops"))
    if backend == "cpu":
        seconds = max(settings.request_timeout_s, longest * _SECONDS_A_TOKEN)
        wanted.append(ChosenSetting("request_timeout_s", seconds, f"{longest} tokens on a CPU"))
    unset = [one for one in wanted if one.name not in settings.model_fields_set]
    changed = [one for one in unset if one.value != getattr(settings, one.name)]
    return [*changed, *_choose_thinking(settings, profile)]


def _choose_lengths(settings: ServingSettings, profile: BaseProfile) -> tuple[int, int]:
    window = settings.max_model_len
    if "max_model_len" not in settings.model_fields_set and profile.window is not None:
        window = max(64, min(window, profile.window))
    return window, min(LONGEST_REPLY, window // 4)


def _choose_dtype(profile: BaseProfile, backend: str) -> tuple[str, str]:
    if backend == "cuda":
        return profile.dtype, "as the base is stored"
    if profile.parameters > _LARGE:
        return "bfloat16", "a large base on a CPU"
    return "float32", "exact on a CPU"


def _choose_thinking(settings: ServingSettings, profile: BaseProfile) -> list[ChosenSetting]:
    """The template's switch against thoughts, beside whatever arguments are set."""
    given = settings.chat_template_kwargs
    missing = {name: value for name, value in profile.template.thinking_off.items() if name not in given}
    if not missing:
        return []
    return [ChosenSetting("chat_template_kwargs", {**missing, **given}, "its template can turn thinking off")]


def _choose_rank(rank: int) -> ChosenSetting:
    """The smallest limit that the engine knows and that holds this rank."""
    limit = next((limit for limit in _RANKS[1:] if limit >= rank), _RANKS[-1])
    return ChosenSetting("max_lora_rank", limit, f"rank {rank} of the recipe")
