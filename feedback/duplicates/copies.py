"""Says which records are copies: the same prompt, the same replies, the same preference, put in twice.

A pair that a choice already implies is a copy, too. Two acts are none, though they agree: those of two named
people, those of one named person in two conversations of a source, and all that were done at this desk. Of
copies the one of the better grade stays, then the one that comes first. Also says which records contradict
each other: what one prefers, the other puts last. Memory holds a few words a record, never a text.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback.records.pairs import rank_texts
from feedback.records.text import normalise

NOBODY = 0

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


class Statement(NamedTuple):
    """What a record says, as hashes: `key` of all of it, `person` of who said it. Each of `preferences` is
    the hash of "this over that" with the hash of "that over this", by which contradictions are found.
    """

    key: int
    person: int
    preferences: tuple[tuple[int, int], ...]


def read_choice_statement(record: Mapping[str, Any], person: str | None) -> Statement:
    """What a settled choice says. The order in which replies were shown makes no difference."""
    prompt = hash_prompt(record["prompt"])
    texts = [normalise(reply["text"]) for reply in record["candidates"]]
    picked = sorted(texts[index] for index in record["picked"])
    written = [normalise(record[name] or "") for name in ("edited", "own")]
    key = hash_parts("choice", prompt, *sorted(texts), "picked", *picked, "written", *written)
    preferences = tuple(
        hash_preference(prompt, chosen, rejected) for _, chosen, rejected in rank_texts(record)
    )
    return Statement(key, hash_person(person), preferences)


def read_pair_statement(record: Mapping[str, Any], person: str | None) -> Statement:
    sides = (" ".join(message["content"] for message in record[name]) for name in ("chosen", "rejected"))
    said = hash_preference(hash_prompt(record["prompt"]), *sides)
    return Statement(said[0], hash_person(person), (said,))


def read_thumb_statement(record: Mapping[str, Any], person: str | None) -> Statement:
    prompt = hash_prompt(record["prompt"])
    reply = normalise(" ".join(message["content"] for message in record["completion"]))
    up, down = (hash_parts("thumb", prompt, reply, sign) for sign in ("up", "down"))
    said = (up, down) if record["label"] else (down, up)
    return Statement(said[0], hash_person(person), (said,))


def read_text_statement(record: Mapping[str, Any], person: str | None) -> Statement:
    """What a reply that somebody wrote says. It prefers nothing."""
    reply = normalise(" ".join(message["content"] for message in record["completion"]))
    return Statement(hash_parts("text", hash_prompt(record["prompt"]), reply), hash_person(person), ())


def hash_preference(prompt: str, chosen: str, rejected: str) -> tuple[int, int]:
    up, down = normalise(chosen), normalise(rejected)
    return hash_parts("pair", prompt, up, down), hash_parts("pair", prompt, down, up)


def hash_prompt(messages: Iterable[Mapping[str, Any]]) -> str:
    said = (word for message in messages for word in (message["role"], normalise(message["content"])))
    return str(hash_parts("prompt", *said))


def hash_parts(*parts: str) -> int:
    packed = "\2".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(packed, digest_size=8).digest())


def hash_person(name: str | None) -> int:
    return NOBODY if name is None else hash_parts("person", name) or 1


class Statements:
    """What many records say, of one form (choices, pairs, thumbs or texts), in the order in which they came:
    the desk's own, then others by source and id.
    """

    def __init__(self) -> None:
        self.keys = array("Q")
        self.people = array("Q")
        self.sources = array("L")  # places in `names`
        self.conversations = array("Q")
        self.preferences = array("Q")
        self.opposites = array("Q")
        self.preferred_by = array("Q")  # for each preference, the record
        self.names: list[str] = []
        self.own: set[int] = set()  # places in `names`

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, statement: Statement, *, source: str, conversation: str, is_own: bool) -> None:
        if source not in self.names:
            self.names.append(source)
        place = self.names.index(source)
        if is_own:
            self.own.add(place)
        for preferred, opposite in statement.preferences:
            self.preferences.append(preferred)
            self.opposites.append(opposite)
            self.preferred_by.append(len(self))
        self.keys.append(statement.key)
        self.people.append(statement.person)
        self.sources.append(place)
        self.conversations.append(hash_parts("conversation", conversation))

    def source_of(self, place: int) -> str:
        return self.names[self.sources[place]]

    def may_be_same(self, one: int, of: "Statements", other: int) -> bool:
        """Whether two records that say the same can be one act that was put in twice."""
        if self.sources[one] in self.own and of.sources[other] in of.own:
            return False
        people = self.people[one], of.people[other]
        return NOBODY in people or people[0] == people[1]

    def are_copies(self, one: int, other: int) -> bool:
        """Whether two records of this form that say the same are. In one source, what the same person did in
        two conversations is done twice.
        """
        is_done_twice = (
            self.people[one] == self.people[other] != NOBODY
            and self.sources[one] == self.sources[other]
            and self.conversations[one] != self.conversations[other]
        )
        return not is_done_twice and self.may_be_same(one, self, other)

    def order_by_grade(self, grades: Mapping[str, int]) -> Places:
        """The places of all records, better grades first. A smaller number is a better grade."""
        ranks = np.array([grades.get(name, 0) for name in self.names] or [0])
        return np.argsort(ranks[np.asarray(self.sources, np.int64)], kind="stable")


class Copies(NamedTuple):
    """`is_copy`: for each record. `by_sources`: their number by the source that kept its record and the one
    that lost it.
    """

    is_copy: Flags
    by_sources: Counter[tuple[str, str]]


def find_copies(held: Statements, grades: Mapping[str, int], is_left: Flags) -> Copies:
    """The copies among those records of one form that are left."""
    is_copy = np.zeros(len(held), np.bool_)
    by_sources: Counter[tuple[str, str]] = Counter()
    order = held.order_by_grade(grades)
    for group in iterate_equal(np.asarray(held.keys, np.uint64), order[is_left[order]]):
        kept: list[int] = []
        for place in group:
            winner = next((one for one in kept if held.are_copies(one, place)), None)
            if winner is None:
                kept.append(place)
            else:
                is_copy[place] = True
                by_sources[held.source_of(winner), held.source_of(place)] += 1
    return Copies(is_copy, by_sources)


def find_implied(pairs: Statements, choices: Statements, is_left: Flags) -> Copies:
    """The pairs that a choice implies. `is_left`: for each choice, whether it is no copy itself."""
    is_copy = np.zeros(len(pairs), np.bool_)
    by_sources: Counter[tuple[str, str]] = Counter()
    preferences = np.asarray(choices.preferences, np.uint64)
    order = np.argsort(preferences, kind="stable")
    preferences = preferences[order]
    keys = np.asarray(pairs.keys, np.uint64)
    first, end = np.searchsorted(preferences, keys, "left"), np.searchsorted(preferences, keys, "right")
    for place in np.flatnonzero(first < end).tolist():
        by = (choices.preferred_by[preferred] for preferred in order[first[place] : end[place]].tolist())
        winner = next((one for one in by if is_left[one] and choices.may_be_same(one, pairs, place)), None)
        if winner is not None:
            is_copy[place] = True
            by_sources[choices.source_of(winner), pairs.source_of(place)] += 1
    return Copies(is_copy, by_sources)


def find_opposed(lists: Sequence[Statements], left: Sequence[Flags]) -> Iterator[list[tuple[int, int, bool]]]:
    """The contradictions: for each, the records of both sides as (list, place, whether on the first side).
    `left`: for each record of each list, whether it is no copy.
    """
    preferences, opposites, by, of = [], [], [], []
    for number, (held, is_left) in enumerate(zip(lists, left, strict=True)):
        preferred_by = np.asarray(held.preferred_by, np.int64)
        stays = is_left[preferred_by]
        preferences.append(np.asarray(held.preferences, np.uint64)[stays])
        opposites.append(np.asarray(held.opposites, np.uint64)[stays])
        by.append(preferred_by[stays])
        of.append(np.full(len(by[-1]), number))
    preference_of, opposite_of = np.concatenate(preferences), np.concatenate(opposites)
    record_of, list_of = np.concatenate(by), np.concatenate(of)
    (opposed,) = np.nonzero(np.isin(preference_of, opposite_of))
    sides = np.minimum(preference_of, opposite_of)
    for group in iterate_equal(sides[opposed], np.arange(len(opposed))):
        places = opposed[group]
        yield [
            (int(list_of[place]), int(record_of[place]), bool(preference_of[place] == sides[place]))
            for place in places
        ]


def iterate_equal(keys: NDArray[np.uint64], order: Places) -> Iterator[list[int]]:
    """The places of equal keys, those that occur at least twice, each group in the given order."""
    order = order[np.argsort(keys[order], kind="stable")]
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else order
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(ordered)], strict=False):
        if end - start > 1:
            yield order[start:end].tolist()
