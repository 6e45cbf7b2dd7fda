"""Tasks and labellers for the tests of the page Label, and what the store holds of what they said."""

from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.engine import unit_of_work
from feedback.store.tables import Assignment, Item, Label, Task, User
from tests.browser.conftest import part
from tests.browser.site import Site
from tests.feedback.labelling.tasks import add_task

GUIDELINE = "Choose what the customer wants."


def open_task(site: Site, kind: str, *, items: int = 3, **fields: Any) -> Task:
    """An open task; each item has a number in the customer's message."""
    task, rows = add_task(site.store, kind, items, **{"guideline": GUIDELINE, **fields})
    with unit_of_work(site.store) as session:
        for row in rows:
            asked = [{"role": "user", "content": f"Where is parcel {row.position}?"}]
            session.get_one(Item, row.id).shown = {**row.shown, "messages": asked}
    return task


def enter(
    site: Site, open_page: Callable[..., Page], name: str, task: Task, *, role: str = "labeller", **look: Any
) -> Page:
    """The page of the task, by somebody who has signed in."""
    page = open_page(**look)
    page.goto(site.sign_in_link(name, role))
    if role == "labeller":
        page.wait_for_url(f"{site.url}/label")
    go_to(page, site, task)
    return page


def go_to(page: Page, site: Site, task: Task) -> None:
    page.goto(f"{site.url}/label/{task.id}")
    expect(page.locator(part("item"))).to_be_visible()


def await_done(page: Page, done: int, left: int) -> None:
    """Until this many are said to be done and left, and the next one is shown or none is left."""
    count = (
        f"{done} done, {left} left"
        if page.locator("html[lang=en]").count()
        else f"已完成 {done} 条，剩余 {left} 条"
    )
    expect(page.locator(part("done"))).to_have_text(count)
    expect(page.locator(part("labels"))).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(part("item" if left else "nothing"))).to_be_visible()


def key_of(site: Site, name: str) -> str:
    """Of a labeller who has signed in."""
    with Session(site.store) as session:
        return session.exec(select(User.id).where(User.name == name)).one()


def labels(site: Site, name: str | None = None) -> list[Label]:
    """The labels, undo among them, in the order in which they came; of all or of one person."""
    with Session(site.store) as session:
        rows = session.exec(select(Label).order_by(Label.created_at, Label.attempt)).all()
    key = None if name is None else key_of(site, name)
    return [row for row in rows if key in (None, row.labeller)]


def values(site: Site, name: str | None = None) -> Sequence[Any]:
    return [row.value for row in labels(site, name)]


def drafts(site: Site) -> list[Any]:
    """What is kept on the server of what nobody has sent."""
    with Session(site.store) as session:
        kept = [row.draft for row in session.exec(select(Assignment))]
    return [draft for draft in kept if draft]


def change_task(site: Site, task: Task, **columns: Any) -> None:
    with unit_of_work(site.store) as session:
        session.get_one(Task, task.id).sqlmodel_update(columns)


def change_items(site: Site, task: Task, *, at: int | None = None, **columns: Any) -> None:
    """All of a task, or the one at a position."""
    with unit_of_work(site.store) as session:
        for row in session.exec(select(Item).where(Item.task_id == task.id)):
            if at in (None, row.position):
                row.sqlmodel_update(columns)


def change_claims(site: Site, task: Task, **columns: Any) -> None:
    with unit_of_work(site.store) as session:
        for row in session.exec(select(Assignment).where(Assignment.task_id == task.id)):
            row.sqlmodel_update(columns)
