"""Asks base and adapter the guard prompts: how often each breaks a rule, by kind, and the worst prompts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trainer.evaluation.generate import encode_prompts, generate_replies
from trainer.evaluation.guards.sets import Guard, GuardSets
from trainer.evaluation.report import GuardFigures, GuardKind
from trainer.evaluation.scoring import GeneratedReply, Scorer
from trainer.recipes.recipe import Measurement

WORST = 5


@dataclass(frozen=True)
class BrokenGuard:
    """One reply that breaks rules. `draw`: its number, 0 for the greedy reply."""

    id: str
    kind: str
    language: str
    arm: str
    draw: int
    rules: list[str]
    text: str


def measure_guards(
    scorer: Scorer, sets: GuardSets, adapter: str, measurement: Measurement, *, seed: int
) -> tuple[GuardFigures, list[BrokenGuard]]:
    """Asks both arms each guard prompt, once greedily and `samples_per_guard` times sampled as in serving."""
    guards, prompts = encode_prompts(scorer, sets.guards, lambda guard: guard.prompt)
    broken: list[BrokenGuard] = []
    for arm, name in (("base", None), ("tuned", adapter)):
        generated = generate_replies(
            scorer, prompts, name, measurement, samples=measurement.samples_per_guard, seed=seed
        )
        broken += find_broken(guards, generated.together, arm)
    asked = GuardSets(tuple(guards), sets.versions)
    return count_broken_guards(asked, broken, replies_each=1 + measurement.samples_per_guard), broken


def find_broken(
    guards: Sequence[Guard], generated: Sequence[Sequence[GeneratedReply]], arm: str
) -> Iterator[BrokenGuard]:
    for guard, replies in zip(guards, generated, strict=True):
        for number, reply in enumerate(replies):
            if rules := guard.find_broken(reply.text):
                yield BrokenGuard(guard.id, guard.kind, guard.language, arm, number, rules, reply.text)


def count_broken_guards(sets: GuardSets, broken: Sequence[BrokenGuard], *, replies_each: int) -> GuardFigures:
    by_arm = {arm: Counter(each.id for each in broken if each.arm == arm) for arm in ("base", "tuned")}
    kinds: dict[str, GuardKind] = {}
    for kind in sorted({guard.kind for guard in sets.guards}):
        ids = [guard.id for guard in sets.guards if guard.kind == kind]
        excess = {each: by_arm["tuned"][each] - by_arm["base"][each] for each in ids}
        replies = len(ids) * replies_each
        kinds[kind] = GuardKind(
            prompts=len(ids),
            replies=replies,
            broken=sum(by_arm["tuned"][each] for each in ids) / replies,
            broken_base=sum(by_arm["base"][each] for each in ids) / replies,
            worst=sorted((each for each in ids if excess[each] > 0), key=lambda each: -excess[each])[:WORST],
        )
    return GuardFigures(sets=sets.versions, kinds=kinds)
