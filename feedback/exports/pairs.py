"""The pairs of a form that has no choices: what follows from each choice, with what the choice says beside
its replies. Pure.
"""

from collections.abc import Iterable, Iterator

from feedback.formats.jsonl import Body
from feedback.records.normalise import settle_choice
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, conversation_of, read_form

OF_CHOICE = ("at", "annotator", "language", "tags", "reasons")  # what a choice says of all its pairs
# Fields of a choice whose content its pairs have, under other names.
IN_PAIRS = {"candidates", "candidates.text", "picked", "edited", "own", "conversation", "kind", "id"}
FROM_CHOICE = ("pick", "edit", "own", "tie")


def pair_stored(choice: Body) -> list[Body]:
    """The pairs of a choice as it stands in the store."""
    form = read_form(ChoiceForm, choice)
    settled = settle_choice(form) if isinstance(form, ChoiceForm) else form
    if isinstance(settled, Refusal):
        return []
    record = settled.to_record()
    shared = {name: record[name] for name in ("source", "prompt", *OF_CHOICE) if name in record}
    shared |= {"group": conversation_of(record, record["id"]), "kind": record["kind"]}
    shared |= {name: record[name] for name in ("weight", "chat_template_kwargs") if name in record}
    pairs = [pair for pair in pair_choice(record) if not isinstance(pair, Refusal)]
    return [
        shared | {"id": f"{record['id']}/{suffix}", "chosen": speak(chosen), "rejected": speak(rejected)}
        for suffix, chosen, rejected in pairs
    ]


def speak(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def add_choice_fields(pairs: Iterable[Body], choices: Iterator[Body]) -> Iterator[Body]:
    """The pairs of a dataset, each with what its choice says. Both are in the order in which a build wrote
    them.
    """
    choice = next(choices, None)
    for pair in pairs:
        if pair["kind"] in FROM_CHOICE:
            origin = pair["source"], pair["id"].rpartition("/")[0]
            while choice is not None and (choice["source"], choice["id"]) != origin:
                choice = next(choices, None)
            told = {} if choice is None else {name: choice[name] for name in OF_CHOICE if name in choice}
            yield told | pair
        else:
            yield pair
