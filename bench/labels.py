"""Whether labels of people who err come to right answers: with how many of them, and what a check then finds.

    python -m bench.labels [--items 2000] [--tasks 5] [--checks 600] [--seed 1] [--stc3 FILE]

Each task goes through the rules of the service themselves (feedback/labelling): labels one after the other
until an item settles or is disputed, hidden gold, accuracies renewed every 200 items, a pause on evidence.
Without a file the answers are made up: where four are possible, 18 people are right 65 to 95 times of 100,
and one 25 times. With `--stc3` they are the real ones of labels_stc3.jsonl.gz: the types that 19 people
gave each turn of Chinese helpdesk dialogues, and right is what most of them say.

`gain_over_majority` is the share of right answers less that of the majority of three labels, which costs
more labels; where people differ to the end the most likely answer counts, though experts would be asked.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.figures import Figures, make_table
from bench.report import FigureValues, make_parser, print_report
from feedback.labelling.checks import Checked, draw_checks, estimate_errors
from feedback.labelling.gold import should_look, should_pause, takes_gold
from feedback.labelling.posterior import FIRST_ACCURACY, find_posterior
from feedback.labelling.reliability import Poll, Said, estimate_reliability
from feedback.labelling.settle import SettlingRule, Standing, Vote, settle_votes
from feedback.records.item_states import DISPUTED, OPEN

PEOPLE, ANSWERS = 19, 4
NIGHT = 200  # items between two estimates of the accuracies
GOLD_ITEMS = 100
CHECKED_SHARE = 0.075  # of the settled items
MAJORITY = 3
NOTES = {
    "gain_over_majority": "right answers less those of the majority of three labels, as shares",
    "labels_per_item": "labels, without those of gold, over items",
    "labels_to_find_bad": "labels of the worst labeller until the pause, gold included",
    "paused_others": "pauses of anybody else, in all tasks",
    "spot_check_gain": "errors that checks by risk find over those that as many random ones find",
    "spot_check_coverage": "share of checks whose interval holds the true share of errors",
}


@dataclass(frozen=True)
class Crowd:
    """What everybody answers to every item, (items, people), as places, and what is right."""

    said: np.ndarray
    truth: np.ndarray
    classes: int

    @property
    def worst(self) -> int:
        return int((self.said == self.truth[:, None]).mean(axis=0).argmin())


@dataclass
class Labelling:
    """One task, from its first label to its last item."""

    crowd: Crowd
    rule: SettlingRule
    rng: np.random.Generator
    gold: Sequence[int]
    seed: str
    said: dict[int, dict[int, int]] = field(default_factory=dict)  # by item and person
    known: dict[int, int] = field(default_factory=dict)
    accuracy: dict[int, float] = field(default_factory=dict)
    given: Counter[int] = field(default_factory=Counter)
    met_gold: Counter[int] = field(default_factory=Counter)
    paused: dict[int, int] = field(default_factory=dict)  # after so many labels

    def run(self, items: Sequence[int]) -> dict[int, Standing]:
        standings = {}
        for number, item in enumerate(items, 1):
            standings[item] = self.label(item)
            if number % NIGHT == 0:
                self.renew()
        return standings

    def label(self, item: int) -> Standing:
        votes: dict[int, Vote] = {}
        standing = settle_votes([], self.rule)
        while standing.state == OPEN:
            person = self.draw_person(votes)
            votes[person] = Vote(self.say(item, person), self.accuracy.get(person, FIRST_ACCURACY))
            standing = settle_votes(list(votes.values()), self.rule)
        return standing

    def draw_person(self, asked: Iterable[int]) -> int:
        """Somebody who has not been asked; gold comes before it where the rules say so."""
        while True:
            here = [each for each in range(self.crowd.said.shape[1]) if each not in self.paused]
            person = int(self.rng.choice([each for each in here if each not in asked]))
            if not takes_gold(self.given[person], share=0.05, seed=self.seed, labeller=str(person)):
                return person
            item = self.gold[self.met_gold[person] % len(self.gold)]
            self.met_gold[person] += 1
            self.known[item] = int(self.crowd.truth[item])
            self.say(item, person, is_gold=True)

    def say(self, item: int, person: int, *, is_gold: bool = False) -> int:
        self.given[person] += 1
        label = int(self.crowd.said[item, person])
        self.said.setdefault(item, {})[person] = label
        if should_look(self.given[person], self.met_gold[person], is_gold=is_gold):
            self.look_at(person)
        return label

    def look_at(self, person: int) -> None:
        """Whether the labels of this person say that they should pause."""
        others = {str(each): value for each, value in self.accuracy.items() if each != person}
        poll = self.make_poll(item for item, labels in self.said.items() if person in labels)
        found = estimate_reliability([poll], others).by_labeller[str(person)]
        if should_pause(found.correct, found.wrong, self.met_gold[person]):
            self.paused.setdefault(person, self.given[person])

    def renew(self) -> None:
        found = estimate_reliability([self.make_poll(self.said)])
        self.accuracy = {int(person): each.accuracy for person, each in found.by_labeller.items()}

    def make_poll(self, items: Iterable[int]) -> Poll:
        said = [Said(item, str(person), label) for item in items for person, label in self.said[item].items()]
        return Poll(said, self.rule.classes, self.known)

    def weigh_again(self, settled: Mapping[int, Standing]) -> dict[int, Standing]:
        """The settled items, each with the confidence that it has by what is now known of its labellers."""
        self.renew()
        chances = {
            item: find_posterior(
                [(label, self.accuracy[person]) for person, label in self.said[item].items()],
                self.rule.classes,
            )
            for item in settled
        }
        return {item: replace(each, confidence=chances[item][each.label]) for item, each in settled.items()}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--items", type=int, default=2_000, help="of each task  [default: 2000]")
    parser.add_argument("--tasks", type=int, default=5, help="[default: 5]")
    parser.add_argument("--checks", type=int, default=600, help="of all tasks together  [default: 600]")
    parser.add_argument("--seed", type=int, default=1, help="of all draws  [default: 1]")
    parser.add_argument("--stc3", type=Path, metavar="FILE", help="labels of real people")
    asked = parser.parse_args()
    rng, figures = np.random.default_rng(asked.seed), Figures()
    read = read_stc3(asked.stc3) if asked.stc3 else None
    measured = [
        measure_labelling(
            read or make_crowd(rng, asked.items + GOLD_ITEMS), asked.items, rng, asked.checks // asked.tasks
        )
        for _ in range(asked.tasks)
    ]
    table = make_table(
        "people who err" if read is None else str(asked.stc3), "figure", "mean of tasks", "NOTE"
    )
    for name in measured[0]:
        values = np.array([each[name] for each in measured], dtype=float)
        error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else None
        table.add_row(name, figures.add(name, (float(values.mean()), error)))
    Console(width=120).print(table)
    print_report("labels", figures.values, notes=NOTES)


def make_crowd(rng: np.random.Generator, items: int) -> Crowd:
    accuracy = np.concatenate([rng.uniform(0.65, 0.95, PEOPLE - 1), [0.25]])
    truth = rng.integers(ANSWERS, size=items)
    slips = (truth[:, None] + rng.integers(1, ANSWERS, size=(items, PEOPLE))) % ANSWERS
    is_right = rng.random((items, PEOPLE)) < accuracy
    return Crowd(np.where(is_right, truth[:, None], slips), truth, ANSWERS)


def read_stc3(path: Path) -> Crowd:
    """The types of all turns; right is what most of the 19 say, of equals the first in the alphabet."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line)["nuggets"] for line in file]
    turns = [types for nuggets in rows for types in zip(*nuggets, strict=True)]
    named = sorted({each for types in turns for each in types})
    said = np.array([[named.index(each) for each in types] for types in turns])
    votes = np.stack([(said == place).sum(axis=1) for place in range(len(named))], axis=1)
    return Crowd(said, votes.argmax(axis=1), len(named))


def measure_labelling(crowd: Crowd, items: int, rng: np.random.Generator, checks: int) -> FigureValues:
    drawn = rng.permutation(len(crowd.truth))[: items + GOLD_ITEMS].tolist()
    gold, asked = drawn[:GOLD_ITEMS], drawn[GOLD_ITEMS:]
    task = Labelling(
        crowd, SettlingRule(2, 5, 0.90, tuple(range(crowd.classes))), rng, gold, str(rng.integers(2**32))
    )
    standings = task.run(asked)
    right = sum(standing.label == crowd.truth[item] for item, standing in standings.items()) / len(asked)
    majority = sum(vote_majority(crowd, item, rng) == crowd.truth[item] for item in asked) / len(asked)
    golden = sum(task.met_gold.values())
    settled = {item: each for item, each in standings.items() if each.state != DISPUTED}
    return {
        "gain_over_majority": right - majority,
        "labels_per_item": sum(len(task.said[item]) for item in asked) / len(asked),
        "right": right,
        "right_majority": majority,
        "disputed": 1 - len(settled) / len(asked),
        "gold_per_item": golden / len(asked),
        "labels_to_find_bad": task.paused.get(crowd.worst),
        "paused_others": sum(person != crowd.worst for person in task.paused),
        **measure_checks(crowd, task.weigh_again(settled), checks),
    }


def vote_majority(crowd: Crowd, item: int, rng: np.random.Generator) -> int:
    """What most of three people say; of three answers the first."""
    people = rng.permutation(crowd.said.shape[1])[:MAJORITY]
    return int(Counter(crowd.said[item, people].tolist()).most_common(1)[0][0])


def measure_checks(crowd: Crowd, settled: Mapping[int, Standing], checks: int) -> FigureValues:
    """Many spot checks of the same settled items, each with another seed, by experts who do not err."""
    wrong = {str(item): each.label != crowd.truth[item] for item, each in settled.items()}
    confidences = {str(item): each.confidence for item, each in settled.items()}
    count, share = round(CHECKED_SHARE * len(settled)), sum(wrong.values()) / len(settled)
    found, covered, looked = 0, 0, 0
    for number in range(checks):
        drawn = draw_checks(confidences, count, seed=str(number))
        rate = estimate_errors([Checked(chance, wrong[item]) for item, chance in drawn.items()])
        found, looked = found + rate.wrong, looked + rate.checked
        covered += rate.low <= share <= rate.high
    return {"spot_check_gain": found / (looked * share), "spot_check_coverage": covered / checks}


if __name__ == "__main__":
    main()
