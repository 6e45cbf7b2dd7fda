"""Fits the prompt of a turn into the context window of the base: the messages that are sent, and how many
characters are left out.

`serving.prompt.fit_messages` does the cutting; this module counts the tokens.
"""

import logging

from feedback.store.set_writes import TurnContext
from feedback.suggestions.generation import FindFleet, name_failure
from feedback.suggestions.plan import BaseFacts, bound_tokens, count_at_least
from feedback.suggestions.retry import Retry
from serving.client.fleet import Fleet
from serving.errors import ServingError
from serving.prompt import build_messages, count_left_out, fit_messages
from serving.settings import ServingSettings

log = logging.getLogger(__name__)


class Fitter:
    def __init__(self, serving: ServingSettings) -> None:
        self._serving = serving

    def fit(
        self, find_fleet: FindFleet, context: TurnContext, facts: BaseFacts, retry: Retry
    ) -> tuple[list[dict[str, str]], int, str | None]:
        """The messages that fit the window and the number of characters left out; if they do not fit, all
        messages and the error code.
        """
        messages = build_messages(
            context.history, system_prompt=context.system_prompt, knowledge=context.knowledge
        )
        budget = self._serving.max_model_len - self._serving.max_tokens

        def count(some: list[dict[str, str]]) -> int:
            return self._count(find_fleet, some, facts, budget, retry)

        try:
            fitted = fit_messages(messages, count_tokens=count, budget=budget)
            return fitted, count_left_out(messages, fitted), None
        except ServingError as failure:
            log.warning("prompt of turn %s cannot be used: %s", context.turn_id, failure)
            return messages, 0, name_failure(failure)

    def _count(
        self,
        find_fleet: FindFleet,
        messages: list[dict[str, str]],
        facts: BaseFacts,
        budget: int,
        retry: Retry,
    ) -> int:
        """Counts tokens by cheap bounds if these decide, else by asking the engine."""
        if (least := count_at_least(messages)) > budget:
            return least
        bound = bound_tokens(facts.control_tokens.break_in_messages(messages))
        if bound <= budget:
            return bound
        return retry.keep_asking(lambda: self._ask_count(find_fleet(), messages))

    def _ask_count(self, fleet: Fleet, messages: list[dict[str, str]]) -> int:
        kwargs = self._serving.chat_template_kwargs
        return fleet.count_tokens(model=fleet.base_name, messages=messages, chat_template_kwargs=kwargs)
