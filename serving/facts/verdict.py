"""Whether a base trains and serves here, judged by its facts: every obstacle with its reason and its remedy.

A base without an obstacle is only expected to serve: that it does is known once an engine has loaded it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from serving.facts.profile import BaseProfile

Backend = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Obstacle:
    """Why a base cannot be trained or served, and what to do about it."""

    prevents: Literal["training", "serving", "both"]
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}"


@dataclass(frozen=True)
class BaseVerdict:
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def trains(self) -> bool:
        return all(one.prevents == "serving" for one in self.obstacles)

    @property
    def serves(self) -> bool:
        return all(one.prevents == "training" for one in self.obstacles)

    @property
    def words(self) -> str:
        if self.trains:
            return "trains and serves" if self.serves else "trains, does not serve"
        return "serves, does not train" if self.serves else "neither trains nor serves"


def judge_base(profile: BaseProfile, *, backend: Backend) -> BaseVerdict:
    """The verdict on a base for the kind of engine on this machine."""
    found = (*_judge_texts(profile), *_judge_engine(profile, backend), *_judge_training(profile))
    return BaseVerdict(found)


def _judge_texts(profile: BaseProfile) -> Iterator[Obstacle]:
    if not profile.template.text:
        yield Obstacle(
            "both",
            "it has no chat template, so no conversation can be given to it",
            "Choose its instruct version, or put a template beside its weights as chat_template.jinja",
        )
    if profile.ends.turn_end is None:
        yield Obstacle(
            "both",
            "none of its files names a token that ends a reply",
            "Name eos_token in its tokenizer_config.json",
        )
    if profile.template.always_thinks:
        yield Obstacle(
            "serving",
            "its template opens every reply with a thought and has no switch against that",
            "Choose a base that answers without thinking, or whose template knows enable_thinking",
        )


def _judge_engine(profile: BaseProfile, backend: Backend) -> Iterator[Obstacle]:
    engine, other = profile.engine, "Choose another base_model"
    if not engine.version:
        return  # remote engines serve: only they know
    named = f"vLLM {engine.version}"
    if not engine.serves:
        yield Obstacle(
            "serving", f"{named} does not know {profile.architecture or 'its architecture'}", other
        )
    elif engine.needs:
        yield Obstacle(
            "serving",
            f"{named} loads {profile.architecture} only with {engine.needs}, which is not installed",
            "Choose the model of this family that takes text alone",
        )
    elif not engine.lora:
        yield Obstacle(
            "serving", f"{named} serves {profile.architecture}, but takes no adapter for it", other
        )
    elif profile.experts and backend == "cpu":
        yield Obstacle(
            "serving",
            f"{named} computes no mixture of experts on a CPU",
            "Serve it on a GPU, or choose a dense base_model",
        )


def _judge_training(profile: BaseProfile) -> Iterator[Obstacle]:
    other = "Choose another base_model"
    if not profile.trainable:
        yield Obstacle(
            "training",
            f"transformers does not load {profile.architecture or 'its architecture'} as a language model",
            other,
        )
    elif profile.layers.transposed:
        yield Obstacle(
            "training",
            "its layers are stored with rows and columns exchanged, and the engine takes no adapter for such "
            "layers",
            other,
        )
    elif not profile.adapter_layers:
        yield Obstacle("training", "it has no layer that an adapter may change and the engine takes", other)
