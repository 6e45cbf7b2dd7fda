"""Three people label thirty items by keys alone, one of them wrong on purpose; experts decide the rest. What
comes of it was worked out by hand.

Item n is about billing, or right, where n is odd. ann and ben say so; cyd says the contrary of every third.
So all three agree on 20 items, which settle with the third label, and 10 go to the experts: after three
labels of accuracy 0.8 two against one are 0.8 * 0.8 * w to w * w * 0.8, where w = 0.2 / (K - 1), and to
w * w * w of each of the K - 2 others.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.labelling.trust import renew_reliabilities
from feedback.records.weights import weigh_evidence
from feedback.store.tables import Item, Reliability, Task
from tests.browser.conftest import part
from tests.browser.label_desk import await_done, enter, key_of, labels, open_task
from tests.browser.site import Site

pytestmark = pytest.mark.real

ITEMS, EVERY = 30, 3


@dataclass(frozen=True)
class Case:
    """A kind of task in a language: the keys and values of odd and even items, and the figures by hand."""

    language: str
    kind: str
    keys: tuple[str, str]
    values: tuple[dict[str, Any], dict[str, Any]]
    others: tuple[str, str]  # as the third expert reads what the two before said
    answers: int  # that there are
    agreed: float  # how sure three who agree make an answer
    weight: float  # of cyd's labels in training


CASES = [
    # K = 3, with none of the tags: 0.512 of 0.514; 0.064 of 0.073 is below 0.9. 24/35 is right for cyd, and
    # (24/35 - 1/3) / (0.9 - 1/3) is their weight.
    Case(
        "en-GB",
        "tag",
        ("1 Enter", "2 Enter"),
        ({"tags": ["billing"]}, {"tags": ["billing/refund"]}),
        ("billing", "billing/refund"),
        3,
        0.512 / 0.514,
        0.622,
    ),
    # K = 2: 0.512 of 0.52; 0.128 of 0.16 is below 0.9; (24/35 - 1/2) / (0.9 - 1/2).
    Case(
        "zh-CN",
        "check",
        ("1", "2"),
        ({"verdict": "good"}, {"verdict": "bad"}),
        ("错误", "正确"),
        2,
        0.512 / 0.52,
        0.464,
    ),
]


def number_of(page: Page) -> int:
    return int(
        page.locator(".messages .words").inner_text().removeprefix("Where is parcel ").removesuffix("?")
    )


def label_all(page: Page, case: Case, count: int, wrong: Callable[[int], bool]) -> list[int]:
    """Labels so many items by keys, the wrong way where it is asked for; their numbers."""
    seen = []
    for done in range(count):
        await_done(page, done, count - done)
        number = number_of(page)
        for key in case.keys[(number % 2 == 0) ^ wrong(number)].split():
            page.keyboard.press(key)
        seen.append(number)
    await_done(page, count, 0)
    return seen


def items_of(site: Site, task: Task) -> dict[int, Item]:
    with Session(site.store) as session:
        return {row.position: row for row in session.exec(select(Item).where(Item.task_id == task.id))}


@pytest.mark.parametrize("case", CASES, ids=[case.language for case in CASES])
def test_three_people_label_thirty_items_and_experts_decide(
    site: Site, open_page: Callable[..., Page], case: Case
) -> None:
    task = open_task(site, case.kind, items=ITEMS, overlap_min=3, overlap_max=3)
    look = {"language": case.language}
    never, third = (lambda number: False), (lambda number: number % EVERY == 0)
    for name, wrong in (("ann", never), ("cyd", third), ("ben", never)):
        page = enter(site, open_page, name, task, **look)
        assert sorted(label_all(page, case, ITEMS, wrong)) == list(range(1, ITEMS + 1))
        page.close()
    said = Counter((row.role, row.seen, row.slot is None) for row in labels(site))
    assert said == {("labeller", "blind", False): 3 * ITEMS}
    found = items_of(site, task)
    for number, item in found.items():
        if number % EVERY:
            assert (item.state, item.tier, item.outcome) == ("settled", 1, case.values[number % 2 == 0])
            assert item.confidence == pytest.approx(case.agreed)
        else:
            assert (item.state, item.tier, item.outcome) == ("disputed", 2, None)

    disputed = [number for number in found if number % EVERY == 0]
    eva = enter(site, open_page, "eva", task, role="expert", **look)
    assert sorted(label_all(eva, case, len(disputed), never)) == disputed
    expect(eva.locator(part("others"))).to_be_hidden()
    eve = enter(site, open_page, "eve", task, role="expert", **look)
    label_all(eve, case, len(disputed), lambda number: number == disputed[0])
    assert [number for number, item in items_of(site, task).items() if item.state != "settled"] == disputed[
        :1
    ]
    ada = enter(site, open_page, "ada", task, role="admin", **look)
    expect(ada.locator(f"{part('others-list')} li")).to_have_text(list(case.others))
    label_all(ada, case, 1, never)
    found = items_of(site, task)
    assert all(item.outcome == case.values[number % 2 == 0] for number, item in found.items())
    decided = found[disputed[0]]
    assert (decided.state, decided.settled_by) == ("settled", key_of(site, "ada"))
    assert {row.seen for row in labels(site, "ada")} == {"others"}

    assert renew_reliabilities(site.store, clock=site.clock) == [case.kind]
    with Session(site.store) as session:
        rows = {row.labeller: row for row in session.exec(select(Reliability))}
    accuracy = {name: rows[key_of(site, name)].accuracy for name in ("ann", "ben", "cyd")}
    # Beta(4, 1) beforehand: 34 of 35 for who is always right, 24 of 35 for who is in 20 of 30.
    assert accuracy == pytest.approx({"ann": 34 / 35, "ben": 34 / 35, "cyd": 24 / 35}, abs=0.01)
    weight = weigh_evidence(accuracy["cyd"], ITEMS, case.answers)
    assert weight == pytest.approx(case.weight, abs=0.02)
    assert weigh_evidence(accuracy["ann"], ITEMS, 2) == 1.0
