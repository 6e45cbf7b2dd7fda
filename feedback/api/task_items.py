"""The call that fills a task with items."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from feedback.api.labels import Value
from feedback.api.routes import EngineCall, call_engine
from feedback.api.schemas import Answer, Body, Id, Language, Name, Part, TagPath
from feedback.api.tasks import EXPERTS
from feedback.labelling.fill import MOST_ITEMS, Filling
from feedback.labelling.selection import ItemSelection
from feedback.web.services import services

bp = Blueprint("task_items", __name__)


class ItemsWanted(Part):
    """Which items: what is not named asks for nothing."""

    sources: Annotated[list[Name], Field(max_length=100)] = Field(
        default_factory=list, description="`live` is what people do here."
    )
    tags: Annotated[list[TagPath], Field(max_length=100)] = Field(
        default_factory=list, description="These and those below them."
    )
    languages: Annotated[list[Language], Field(max_length=20)] = Field(default_factory=list)
    contradictions: bool = Field(False, description="What the last dataset build found to contradict.")
    weak: bool = Field(
        False, description="Tags in which what serves is supported in less than half of its picks."
    )
    report: Id | None = Field(
        None, description="The id of a run: held-out picks that its adapter did not predict, worst first."
    )

    def to_selection(self) -> ItemSelection:
        return ItemSelection(
            sources=tuple(self.sources),
            tags=tuple(self.tags),
            languages=tuple(self.languages),
            contradictions=self.contradictions,
            weak=self.weak,
            report=self.report or "",
        )


class GoldAnswer(Part):
    subject: Id = Field(description="The id of a conversation, set or record that the selection takes.")
    value: Value


class NewItems(Body):
    selection: ItemsWanted = Field(default_factory=ItemsWanted)
    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 1_000
    gold: Annotated[list[GoldAnswer], Field(max_length=1_000)] = Field(
        default_factory=list, description="Known answers; these items come first and tell whom to trust."
    )


class ItemsAdded(Answer):
    added: int
    skipped: int = Field(description="Items that the task had already.")
    refused: dict[str, int] = Field(description="By the code of the reason.")


@call_engine(bp, "/v1/tasks/<task_id>/items", roles=EXPERTS, body=NewItems, answer=ItemsAdded, status=201)
def fill(call: EngineCall, body: NewItems, task_id: str) -> ItemsAdded:
    """Fill a task with items; the same selection again adds what is new."""
    found = services()
    filled = Filling(found.store_engine, found.settings.data_dir, call.actor.desk_id, call.now).fill(
        task_id,
        body.selection.to_selection(),
        limit=body.limit,
        gold={each.subject: each.value.told() for each in body.gold},
    )
    return ItemsAdded(added=filled.added, skipped=filled.skipped, refused=dict(filled.refused))
