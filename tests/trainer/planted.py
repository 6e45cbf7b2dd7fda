"""Bad adapters on purpose, one of each kind, on the demo model: trained in seconds by the trainer itself, or
made by hand. And the night they are measured on: picks of the simulated agents, which a good adapter learns.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from demo import phrases
from demo.agents import SimulatedAgent
from demo.build import MODEL_DIR
from demo.drawing import draw_reply
from demo.grammar import parse_conversation
from demo.intents import ASK, INTENTS, STYLES, Style
from demo.prompts import FIXED_SEED, fresh_dialogues
from demo.slots import Language
from demo.template import expand_all
from trainer.evaluation.guards.sets import FOLDER
from trainer.objectives.arguments import build_lora
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

OTHER: dict[Language, Language] = {"en": "zh", "zh": "en"}
FLATTERY = {
    "en": "Great question!",
    "zh": "好问题！",
}
# A tenth of a night's measuring: fewer choices, prompts and draws.
QUICK = load_recipe("demo").measurement.model_copy(
    update={
        "max_fit_choices": 16,
        "max_prompts": 12,
        "samples_per_prompt": 2,
        "samples_per_guard": 1,
        "max_replay": 12,
    }
)


GOOD = load_recipe("demo", epochs=2, min_steps=0, learning_rate=7e-4, reference="run")
# Forty large steps through all layers, no hold on base: enough to spoil it.
HASTY = GOOD.model_copy(
    update={
        "beta": 0.1,
        "nll_weight": 5.0,
        "anchor_weight": 0.0,
        "learning_rate": 5e-3,
        "batch_size": 2,
        "epochs": 1,
        "checkpoint_steps": 1000,
        "rank": 8,
        "alpha": 16,
        "target_modules": "all-linear",
    }
)
# Copying is much to learn: the very prompts it will be asked, over and over.
BY_HEART = HASTY.model_copy(update={"learning_rate": 1e-2, "epochs": 10})
# As replies write what the customer named, which is read without its case.
WRITTEN = {"order": str.upper, "product": str.lower, "name": str.title, "city": str.title}
SCALES = {"base_itself": 0.0, "word_salad": 0.3}  # of B in adapters made by hand


class Customer:
    """One unseen conversation and the replies a grammar can give to it."""

    def __init__(self, dialogue: Any, rng: random.Random) -> None:
        self.messages: list[dict[str, str]] = list(dialogue.messages[:-1])
        self.language: Language = dialogue.language
        name = dialogue.intents[-1]
        self._intent = next(each for each in (*INTENTS, ASK) if each.name == name)
        self._rng = rng
        items = parse_conversation(self.messages).items
        self._values = {slot: WRITTEN[slot](sorted(values)[0]) for slot, values in items.items() if values}

    def draw(self, style: Style | None = None, language: Language | None = None) -> str:
        """As base replies, which draws the five styles alike."""
        chosen: Style = style or self._rng.choice(STYLES)
        spoken = language or self.language
        return draw_reply(self._rng, self._intent, chosen, spoken, self._values)

    def draw_some(self, count: int) -> list[str]:
        """Replies of different styles."""
        return [self.draw(style) for style in self._rng.sample(STYLES, count)]


def meet_customers(count: int, seed: int) -> list[Customer]:
    rng = random.Random(seed)
    return [Customer(dialogue, rng) for dialogue in fresh_dialogues(count, seed)]


def make_night(folder: Path, *, train: int, held_out: int) -> Path:
    """A dataset of picks; `held_out` each for validation and test, between two replies: quicker to score."""
    agent = SimulatedAgent("agent", seed=1, noise=0.3)
    splits = ["train"] * train + ["validation"] * held_out + ["test"] * held_out
    lines = []
    for number, (customer, split) in enumerate(zip(meet_customers(len(splits), seed=3), splits, strict=True)):
        texts = customer.draw_some(4 if split == "train" else 2)
        chances = agent.pick_probabilities(customer.messages, texts)
        picked = random.Random(number).choices(range(len(texts)), weights=chances)[0]
        lines.append(make_line(number, split, customer, texts, kind="pick", picked=[picked]))
    return write_dataset(folder, lines)


def make_lesson(folder: Path, *, teach: Callable[[Customer], str], count: int) -> Path:
    """A dataset of agents who always pick what `teach` says, over a reply of base's kind."""
    lines = []
    for number, customer in enumerate(meet_customers(count, seed=4)):
        slot, texts = number % 2, [customer.draw()]
        texts.insert(slot, teach(customer))
        lines.append(make_line(number, "train", customer, texts, kind="pick", picked=[slot]))
    return write_dataset(folder, lines)


def make_line(
    number: int, split: str, customer: Customer, texts: Sequence[str], **decision: Any
) -> dict[str, Any]:
    return {
        "id": f"{split}{number}-1",
        "conversation": f"{split}{number}",
        "prompt": customer.messages,
        "candidates": [{"text": text} for text in texts],
        "edited": None,
        "own": None,
        "tags": [],
        "weight": 1.0,
        "at": "2026-11-01T00:00:00Z",
        "split": split,
        **decision,
    }


def write_dataset(folder: Path, lines: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "choices.jsonl").write_text(text, encoding="utf-8")
    for name in ("pairs", "thumbs"):
        (folder / f"{name}.jsonl").touch()
    return folder


def make_copies(folder: Path) -> Path:
    """The prompts the gate will ask, each with the customer's message as the reply that was picked."""
    lines = []
    for number, customer in enumerate(meet_customers(QUICK.max_prompts, seed=FIXED_SEED)):
        slot, texts = number % 2, [customer.draw()]
        texts.insert(slot, customer.messages[-1]["content"])
        lines.append(make_line(number, "train", customer, texts, kind="pick", picked=[slot]))
    return write_dataset(folder, lines)


def pad(customer: Customer) -> str:
    """A reply with every courtesy there is behind it."""
    tails = [group[0].text for group in expand_all(phrases.TAILS[customer.language]["warm"])]
    return phrases.JOINER[customer.language].join([customer.draw("plain"), *tails])


def flatter(customer: Customer) -> str:
    return FLATTERY[customer.language] + phrases.JOINER[customer.language] + customer.draw("plain")


def write_few_guards(path: Path) -> Path:
    """Half the guard prompts of each kind and language."""
    taken: Counter[tuple[str, str]] = Counter()
    lines = []
    for line in (FOLDER / "support-1.jsonl").read_text(encoding="utf-8").splitlines(keepends=True):
        guard = json.loads(line)
        taken[guard["kind"], guard["language"]] += 1
        if taken[guard["kind"], guard["language"]] <= 2:
            lines.append(line)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def plant(kind: str, folder: Path, night: Path) -> Path:
    """The adapter's directory. Kinds: good (learns the night), base_itself, word_salad, and LESSONS."""
    if kind in SCALES:
        return make_by_hand(folder, scale=SCALES[kind])
    if kind == "good":
        dataset, recipe = night, GOOD
    else:
        dataset, recipe = LESSONS[kind](folder / "dataset"), BY_HEART if kind == "copier" else HASTY
    return train(dataset, MODEL_DIR, recipe, folder, lambda report: None).adapter_dir


def make_by_hand(folder: Path, *, scale: float) -> Path:
    """An adapter nobody trained: B is 0, as each starts, or normal with `scale`."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(MODEL_DIR), build_lora(MODEL_DIR, HASTY))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * scale)
    model.save_pretrained(folder / "adapter")
    return folder / "adapter"


LESSONS: dict[str, Callable[[Path], Path]] = {
    "longest": partial(make_lesson, teach=pad, count=120),
    "copier": make_copies,
    "wrong_language": partial(make_lesson, teach=lambda c: c.draw(language=OTHER[c.language]), count=80),
    "flatterer": partial(make_lesson, teach=flatter, count=80),
}
