"""Draws the duels of a rebase: the old side by the engine that serves, the new one by an engine beside it.

Each side is asked as it would serve: the new one with the settings that were chosen for its base.
"""

from collections.abc import Callable
from typing import Any

from feedback.duels.drawing import DuelDrawer
from feedback.duels.sides import AskedEngine
from feedback.lease import Lease
from feedback.store import duels
from feedback.store.engine import read
from feedback.store.rebases import OLD
from feedback.store.tables import Duel, Item, Rebase
from serving.base import resolve_base
from serving.client.client import Sampling
from serving.client.fleet import Fleet
from serving.facts.profile import read_profile
from serving.prompt import choose_arguments
from serving.settings import ServingSettings


class RebaseDrawer(DuelDrawer):
    """A drawer of one rebase's duels alone; the web's drawer leaves them to it."""

    def __init__(
        self, *, rebase: Rebase, new_fleet: Callable[[], Fleet], new_serving: ServingSettings, **drawer: Any
    ) -> None:
        super().__init__(**drawer)
        self._rebase = rebase
        self._new_fleet = new_fleet
        self._new_serving = new_serving

    def _list_undrawn(self) -> dict[str, Lease]:
        with read(self._store) as session:
            return duels.list_undrawn(session, rebase_id=self._rebase.id)

    def _list_contenders(self, duel: Duel) -> list[tuple[str, str]]:
        own = [(duel.adapter, self._rebase.base_id)]
        return own if duel.rival is None else [*own, (duel.rival, self._rebase.old_base_id)]

    def _find_engine(self, duel: Duel, row: Item, side: str) -> AskedEngine:
        if row.hidden[f"{side}_arm"] == OLD:
            return super()._find_engine(duel, row, side)
        template = read_profile(resolve_base(self._new_serving.base_model)).template
        given = choose_arguments(template, self._new_serving.chat_template_kwargs, self._clock.now().date())
        return AskedEngine(self._new_fleet(), Sampling.from_settings(self._new_serving), given)
