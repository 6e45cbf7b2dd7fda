"""A thousand replies by two people at one browser, behind a line that breaks, with reloads, changes of person
and a colleague who is faster: each text reaches its customer once, or stays with whoever wrote it. None is
lost, none goes out under another name.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlmodel import Session, select

from feedback.store.conversations import IncomingMessage, append_message, lock_conversation, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Draft, Event, Message, Turn, User
from feedback.store.turns import TurnAnswered, check_waiting, claim_turn, close_waiting, open_turn
from tests.browser.site import Site
from tests.feedback.desk import put_set

pytestmark = pytest.mark.real

SENDS, AT_ONCE, SEED = 1000, 40, 14
DRIVER = Path(__file__).with_name("thousand_sends.js").read_text(encoding="utf-8")
CUTS = {"before": 0.15, "after": 0.2}
PEOPLE = ("wei", "ada")


@dataclass(frozen=True)
class Item:
    """A reply: by whom it is written, for which turn, and through a set or past it."""

    conversation_id: str
    turn_id: str
    set_id: str | None
    writer: str
    text: str


def open_turns(site: Site, count: int, luck: random.Random) -> list[tuple[str, str, str | None]]:
    """Conversations that wait, a third of them with suggestions."""
    with unit_of_work(site.store) as session:
        opened = [
            open_conversation(
                session,
                desk_id=DEFAULT_DESK,
                now=site.clock.now(),
                messages=[IncomingMessage("customer", f"Question {number}")],
                language="en",
            )
            for number in range(count)
        ]
        turns = [(each.conversation.id, each.turn.id) for each in opened if each.turn is not None]
    return [(*turn, put_set(site.store, turn[1]) if luck.random() < 1 / 3 else None) for turn in turns]


def be_faster(site: Site, item: Item, what: str) -> str | None:
    """What happens to a turn before its reply arrives; the turn that waits afterwards, if another does."""
    now = site.clock.now()
    with suppress(TurnAnswered), unit_of_work(site.store) as session:  # the reply was faster still
        conversation = lock_conversation(session, desk_id=DEFAULT_DESK, conversation_id=item.conversation_id)
        if what == "customer":
            said = IncomingMessage("customer", "Hello?")
            message = append_message(session, conversation=conversation, said=said, now=now)
            return open_turn(session, message=message, now=now).id
        check_waiting(session.get_one(Turn, item.turn_id))
        if what == "taken":
            claim_turn(
                session,
                desk_id=DEFAULT_DESK,
                turn_id=item.turn_id,
                agent="carl",
                now=now,
                claim_minutes=1,
                take_over=True,
            )
            return None
        close_waiting(
            session, conversation_id=conversation.id, state="answered", set_state="bypassed", now=now
        )
        said = IncomingMessage("agent", f"Carl was faster with {item.text}")
        append_message(session, conversation=conversation, said=said, now=now, origin="own")
    return None


def befall(site: Site, items: list[Item], fates: list[str]) -> list[tuple[str, str, None]]:
    """What happens to these turns; those of customers who wrote on."""
    found = [
        (item.conversation_id, be_faster(site, item, fate))
        for item, fate in zip(items, fates, strict=True)
        if fate
    ]
    return [(conversation_id, turn_id, None) for conversation_id, turn_id in found if turn_id]


class Browser:
    """One browser at which two people take turns."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page, self.person = site, page, ""
        page.route("**/static/workbench.js", self.drive)

    @staticmethod
    def drive(route: Route) -> None:
        route.fulfill(body=DRIVER, content_type="text/javascript")

    def sign_in(self, person: str) -> None:
        if self.person:
            self.page.locator('form[action="/sign-out"] button').click()
            # A send under way may learn first that the session is over and go there itself, which ends the
            # navigation of the button: `wait_for_url` would fail at that.
            expect(self.page).to_have_url(re.compile(r"/sign-in(\?|$)"))
        self.page.goto(self.site.sign_in_link(person, "agent"))
        self.person = person
        self.wait_until("globalThis.desk?.isReady")
        others = [name for name in PEOPLE if name != person]
        assert not [text for text in self.page.evaluate("desk.list()") if text.startswith(*others)]

    def reload(self) -> None:
        self.page.reload()
        self.wait_until("globalThis.desk?.isReady")

    def begin(self, items: list[Item], seed: int) -> None:
        said = [asdict(item) for item in items]
        self.page.evaluate("([items, line]) => desk.begin(items, line)", [said, {"seed": seed, **CUTS}])

    def finish(self) -> None:
        self.page.evaluate("desk.mend()")
        self.wait_until("desk.isIdle()")

    def wait_until(self, what: str) -> None:
        """Not by `wait_for_function`: that evaluates strings in the page, which its policy forbids."""
        self.page.evaluate(
            f"""() => new Promise((done, fail) => {{
              const end = Date.now() + 60_000;
              const look = () => {{
                if ({what}) done();
                else if (Date.now() > end) fail(`never: {what} ${{globalThis.desk?.tell()}}`);
                else setTimeout(look, 20);
              }};
              look();
            }})"""
        )


def work(site: Site, browser: Browser, luck: random.Random) -> list[Item]:
    """The thousand sends; all that was written."""
    written: list[Item] = []
    again: Sequence[tuple[str, str, str | None]] = []  # turns of customers who wrote on
    fresh = open_turns(site, SENDS, luck)
    while len(written) < SENDS:
        person = PEOPLE[len(written) // (AT_ONCE * 3) % 2]
        if person != browser.person:
            browser.sign_in(person)
        count = min(AT_ONCE, SENDS - len(written))
        turns = [*again, *(fresh.pop() for _ in range(count))][:count]
        items = [
            Item(*turn, person, f"{person} writes reply {len(written) + number}, to the end.")
            for number, turn in enumerate(turns)
        ]
        fates = [luck.choices(["", "taken", "answered", "customer"], [76, 8, 8, 8])[0] for _ in items]
        early = luck.random() < 0.5
        if early:
            again = befall(site, items, fates)
        browser.begin(items, luck.randrange(1, 2**31 - 1))
        if not early:
            browser.page.wait_for_timeout(luck.randrange(150))  # in the middle of it all, wherever that is
            again = befall(site, items, fates)
        written += items
        what = luck.random()
        if what < 0.5:
            browser.page.wait_for_timeout(luck.randrange(200))
            browser.reload()
        elif what < 0.75:
            browser.finish()
    return written


def test_of_a_thousand_sends_none_is_lost_and_none_goes_out_under_another_name(
    site: Site, open_page: Callable[..., Page]
) -> None:
    luck = random.Random(SEED)
    browser = Browser(site, open_page())
    written = work(site, browser, luck)
    for person in (*PEOPLE, *PEOPLE):  # each comes back to what they left
        browser.sign_in(person)
        browser.finish()

    with Session(site.store) as session:
        names = {row.id: row.name for row in session.exec(select(User))}
        sent = [row for row in session.exec(select(Message).where(Message.role == "agent"))]
        by = {
            row.answer["message_id"]: names[row.actor.removeprefix("user:")]
            for row in session.exec(select(Event))
            if row.answer.get("message_id")
        }
        kept = [(names[row.agent], row.text) for row in session.exec(select(Draft).where(Draft.stands))]
    ours = [row for row in sent if not str(row.text).startswith("Carl")]
    got = Counter([(by[row.id], row.text) for row in ours] + kept)

    assert len({item.text for item in written}) == SENDS
    assert got == Counter((item.writer, item.text) for item in written)
    assert 600 < len(ours) < 1000, "both ends are reached"
    places = {row.text: row.position for row in ours}
    of_conversation: dict[str, list[int]] = {}
    for item in written:
        if item.text in places:
            of_conversation.setdefault(item.conversation_id, []).append(places[item.text])
    assert all(found == sorted(found) for found in of_conversation.values())
