"""Reads one split of a dataset into the examples of the `choice` objective, and counts what was left out.

    choices.jsonl   pick, tie: one decision among the replies shown. edit: the edited text over the picked
                    reply, then the picked one over the rest. own: the own text over all of them.
    pairs.jsonl     kinds `pair` and `thumbs`: one decision of two. The others repeat the choices.
    thumbs.jsonl    only in the train split, since held-out examples measure decisions alone

The files are read as streams. Equal texts are merged first (`feedback.records.normalise`). A reply closer
than 0.05 to a preferred one takes no part, since to push almost equal texts apart pushes both down. Nothing
is cut: an example that is too long is refused. No model is opened.
"""

import heapq
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from feedback.datasets.build import read_split
from feedback.records.pairs import refuse_close
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, conversation_of
from trainer.data.choices import settle_line, slots_of
from trainer.data.example import Example, Stage
from trainer.data.pair_rows import NO_WEIGHTS, PAIR_KINDS, TrainingRows, hash_share
from trainer.data.thumb_rows import balance
from trainer.data.tokens import Encoder, find_day
from trainer.errors import TextRefused
from trainer.objectives.choice.noise_model import NoiseModel
from trainer.recipes.recipe import Recipe
from trainer.recipes.tag_weights import weigh_tags

log = logging.getLogger(__name__)

WRITTEN = -1  # stands for the edited or own text in a list of candidates' places
WRITTEN_NLL = 2.0  # factor on the recipe's nll_weight: a person wrote every word


class FormRow(NamedTuple):
    """One line of a file: `form` is choices, pairs or thumbs; `share` places it in the seeded order."""

    share: float
    key: str
    form: str
    body: dict[str, Any]


class PlacedDecision(NamedTuple):
    """A decision among places of replies; WRITTEN is the agent's own text. `shown`: they took a card."""

    options: list[int]
    won: list[int]
    shown: bool


def load_examples(
    dataset_dir: Path, split: str, tokenizer: Any, recipe: Recipe, *, base_id: str, noise_model: NoiseModel
) -> TrainingRows[Example]:
    """At most the recipe's limit of a split, in a seeded order that more data keep. Raises DatasetMissing."""
    limit = recipe.max_examples if split == "train" else recipe.max_held_out_pairs
    refusals: Counter[str] = Counter()
    forms = ["choices", "pairs"]
    labels = count_train_thumbs(dataset_dir) if split == "train" else Counter()
    if min(labels[True], labels[False]) >= recipe.min_thumbs:
        forms.append("thumbs")
    elif labels:
        refusals["too_few_thumbs"] = labels.total()
    counted = Counter(rows=refusals.total())
    rows = read_rows(dataset_dir, split, recipe.seed, forms, counted)
    encoder = Encoder(tokenizer, base_id)
    weights = recipe.tag_weights if split == "train" else NO_WEIGHTS  # checks of all runs measure the same
    made: list[tuple[float, str, Example]] = []
    taken = counted["rows"]
    for row in rows if limit is None else heapq.nsmallest(limit, rows, key=lambda row: row[:2]):
        taken += 1
        example = make_example(row, encoder, recipe, noise_model)
        if isinstance(example, Refusal):
            refusals[example.reason] += 1
            if example.detail:
                log.info("%s is left out (%s): %s", row.key, example.reason, example.detail)
        elif len(example.prompt_ids) + max(map(len, example.replies)) > recipe.max_length:
            refusals["too_long"] += 1
        else:
            factor = weigh_tags(weights, row.body.get("tags") or ())
            made.append((row.share, row.key, replace(example, weight=example.weight * factor)))
    if counted["rows"] > taken:
        refusals["over_limit"] += counted["rows"] - taken
    made.sort(key=lambda item: item[:2])
    examples = balance_thumbs([example for _, _, example in made], refusals)
    return TrainingRows(examples, counted["rows"], refusals)


def count_train_thumbs(dataset_dir: Path) -> Counter[bool]:
    """Counts thumbs up and down before the limit: unused thumbs must not use it up."""
    return Counter(body["label"] for body in read_split(dataset_dir, "thumbs", "train"))


def read_rows(
    dataset_dir: Path, split: str, seed: int, forms: Sequence[str], counted: Counter[str]
) -> Iterator[FormRow]:
    """The records of these forms, without pairs that repeat choices. Counts them in `counted["rows"]`."""
    for form in forms:
        for body in read_split(dataset_dir, form, split):
            if form == "pairs" and body.get("kind") not in PAIR_KINDS:
                continue
            counted["rows"] += 1
            # Two sources may use the same id, but each record needs a key of its own.
            identity = body.get("id") or json.dumps(body, sort_keys=True)
            key = f"{form}/{body.get('source') or ''}/{identity}"
            yield FormRow(hash_share("select", seed, key), key, form, body)


def make_example(
    row: FormRow, encoder: Encoder, recipe: Recipe, noise_model: NoiseModel
) -> Example | Refusal:
    try:
        if row.form == "choices":
            return make_choice_example(row, encoder, recipe, noise_model)
        return make_pair_example(row, encoder, recipe) if row.form == "pairs" else make_thumb(row, encoder)
    except TextRefused as refused:
        return Refusal(refused.reason, str(refused))


def make_choice_example(
    row: FormRow, encoder: Encoder, recipe: Recipe, noise_model: NoiseModel
) -> Example | Refusal:
    choice = settle_line(row.body)
    if isinstance(choice, Refusal):
        return choice
    decisions = find_decisions(choice)
    if not decisions:
        return Refusal("too_close")
    used = sorted({place for decision in decisions for place in decision.options})
    slots = slots_of(choice)
    noise_rate = noise_model.noise_rate(choice.annotator)
    stages = tuple(
        Stage(
            options=tuple(used.index(place) for place in options),
            won=tuple(used.index(place) for place in won),
            offsets=tuple(noise_model.offset(slots[place]) if shown else 0.0 for place in options),
            noise_rate=noise_rate if shown else 0.0,
        )
        for options, won, shown in decisions
    )
    written = choice.edited if choice.kind == "edit" else choice.own
    replies = [
        encoder.encode_reply(written or "")
        if place == WRITTEN
        else encoder.encode_reply(
            choice.candidates[place].text, choice.candidates[place].token_ids, choice.base_id
        )
        for place in used
    ]
    return Example(
        id=row.key,
        conversation=conversation_of(row.body, row.key),
        prompt_ids=encoder.encode_prompt(
            [message.model_dump() for message in choice.prompt],
            choice.chat_template_kwargs,
            choice.prompt_token_ids,
            choice.base_id,
            day=find_day(row.body),
        ),
        replies=tuple(replies),
        stages=stages,
        preferred=stages[0].won[0],  # of a tie the first shown: the order is random
        nll=recipe.nll_weight * (WRITTEN_NLL if WRITTEN in used else 1.0),
        weight=choice.weight or 1.0,  # the form knows no 0
    )


def find_decisions(choice: ChoiceForm) -> list[PlacedDecision]:
    """The decisions in a settled choice that have a loser, that for a written text first."""
    texts = {place: reply.text for place, reply in enumerate(choice.candidates)}
    places = list(texts)
    decisions = []
    if choice.kind in ("edit", "own"):
        texts[WRITTEN] = (choice.edited if choice.kind == "edit" else choice.own) or ""
        beaten = choice.picked if choice.kind == "edit" else places
        decisions.append(PlacedDecision([WRITTEN, *beaten], [WRITTEN], shown=False))
    if choice.kind != "own":
        decisions.append(PlacedDecision(places, choice.picked, shown=True))
    clear = [leave_out_near(decision, texts) for decision in decisions]
    return [decision for decision in clear if len(decision.options) > len(decision.won)]


def leave_out_near(decision: PlacedDecision, texts: Mapping[int, str]) -> PlacedDecision:
    """The decision without those losers that are almost equal to a winner."""
    options = [
        place
        for place in decision.options
        if place in decision.won or not any(refuse_close(texts[won], texts[place]) for won in decision.won)
    ]
    return decision._replace(options=options)


def make_pair_example(row: FormRow, encoder: Encoder, recipe: Recipe) -> Example | Refusal:
    body = row.body
    chosen, rejected = body["chosen"][-1]["content"], body["rejected"][-1]["content"]
    close = refuse_close(chosen, rejected)
    if close is not None:
        return close
    kwargs = body.get("chat_template_kwargs") or {}
    return Example(
        id=row.key,
        conversation=conversation_of(body, row.key),
        prompt_ids=encoder.encode_prompt(body["prompt"], kwargs, day=find_day(body)),
        replies=(encoder.encode_reply(chosen), encoder.encode_reply(rejected)),
        stages=(Stage((0, 1), (0,), (0.0, 0.0), 0.0),),
        preferred=0,
        nll=recipe.nll_weight,
        weight=body.get("weight", 1.0),
    )


def make_thumb(row: FormRow, encoder: Encoder) -> Example:
    body = row.body
    kwargs = body.get("chat_template_kwargs") or {}
    return Example(
        id=row.key,
        conversation=conversation_of(body, row.key),
        prompt_ids=encoder.encode_prompt(body["prompt"], kwargs, day=find_day(body)),
        replies=(encoder.encode_reply(body["completion"][-1]["content"]),),
        thumb=body["label"],
        weight=body.get("weight", 1.0),
    )


def balance_thumbs(examples: list[Example], refusals: Counter[str]) -> list[Example]:
    """Lowers the weight of the heavier class of thumbs until up to down is between 1:1 and 4:3.

    If a low limit left only one class, all thumbs are left out.
    """
    ups = [example.weight for example in examples if example.thumb is True]
    downs = [example.weight for example in examples if example.thumb is False]
    if not ups or not downs:
        if ups or downs:
            refusals["too_few_thumbs"] += len(ups) + len(downs)
        return [example for example in examples if example.thumb is None]
    up, down = balance(sum(ups), sum(downs))
    factors = {True: up, False: down}
    return [
        example if example.thumb is None else replace(example, weight=example.weight * factors[example.thumb])
        for example in examples
    ]
