"""Fits the prompt of a turn into the context window of the base.

`serving.prompt.fit_messages` does the cutting; this module counts the tokens.
"""

import logging
from typing import Any

from feedback.store.set_writes import TurnContext
from feedback.suggestions.generation import FindFleet, name_failure
from feedback.suggestions.plan import BaseFacts, bound_tokens, count_at_least
from feedback.suggestions.retry import Retry
from serving.client.fleet import Fleet
from serving.errors import ServingError
from serving.prompt import build_messages, count_left_out, fit_messages
from serving.settings import ServingSettings

log = logging.getLogger(__name__)


def fit_prompt(
    serving: ServingSettings,
    find_fleet: FindFleet,
    context: TurnContext,
    facts: BaseFacts,
    arguments: dict[str, Any],
    retry: Retry,
) -> tuple[list[dict[str, str]], int, str | None]:
    """What fits the window and the characters left out; if nothing fits, all messages and the error code.
    `arguments` are those of the chat template.
    """
    messages = build_messages(
        context.history, system_prompt=context.system_prompt, knowledge=context.knowledge
    )
    budget = serving.max_model_len - serving.max_tokens

    def count(some: list[dict[str, str]]) -> int:
        """Counts tokens by cheap bounds if these decide, else by asking the engine."""
        if (least := count_at_least(some)) > budget:
            return least
        bound = bound_tokens(facts.control_tokens.break_in_messages(some))
        return bound if bound <= budget else retry.keep_asking(lambda: ask(find_fleet(), some))

    def ask(fleet: Fleet, some: list[dict[str, str]]) -> int:
        return fleet.count_tokens(model=fleet.base_name, messages=some, chat_template_kwargs=arguments)

    try:
        fitted = fit_messages(messages, count_tokens=count, budget=budget)
        return fitted, count_left_out(messages, fitted), None
    except ServingError as failure:
        log.warning("prompt of turn %s cannot be used: %s", context.turn_id, failure)
        return messages, 0, name_failure(failure)
