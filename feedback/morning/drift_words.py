"""The sentences about drift, each with its tone and what to do, by code; `words.py` includes them."""

PICKS = "Since %(since)s, %(adapter)s gets %(now)s %% of the picks"
THUMBS = "Since %(since)s, %(now)s %% of thumbs are down"
REPLIES = "Since %(since)s, replies are %(now)s characters long on average"
CUSTOMERS = "Since %(since)s, customers' messages are %(now)s characters long on average"
LANGUAGE = "Since %(since)s, customers write %(language)s in %(now)s %% of conversations"
TAG = "Since %(since)s, %(now)s %% of conversations have the tag “%(tag)s”"
BEFORE = "after %(before)s"
WEEKS = "in the four weeks before."

SENTENCES = {
    "support_fell": ("warn", f"{PICKS}, {BEFORE} %% {WEEKS}"),
    "support_rose": ("good", f"{PICKS}, {BEFORE} %% {WEEKS}"),
    "thumbs_rose": ("warn", f"{THUMBS}, {BEFORE} %% {WEEKS}"),
    "thumbs_fell": ("good", f"{THUMBS}, {BEFORE} %% {WEEKS}"),
    "replies_shifted": ("warn", f"{REPLIES}, {BEFORE} {WEEKS}"),
    "customers_shifted": ("warn", f"{CUSTOMERS}, {BEFORE} {WEEKS}"),
    "language_shifted": ("warn", f"{LANGUAGE}, {BEFORE} %% {WEEKS}"),
    "tag_shifted": ("warn", f"{TAG}, {BEFORE} %% {WEEKS}"),
}
ACTIONS = {
    "read_lost": "Read the replies that agents preferred to its own: questions, the system prompt or the "
    "team may have changed. `rejoinder rollback` takes it out.",
    "read_won": "Nothing needs to be done; its page says whether all agents see it so.",
    "read_down": "Read the replies that got them.",
    "read_replies": "Read some: another adapter, language or habit of agents may be behind it.",
    "read_customers": "Read what they write now: other questions, an app or a form may be behind it.",
    "read_language": "Read these conversations; a language that was rare before belongs in `fixed_prompts` "
    "and `guards` of the recipe's `measurement`, too.",
    "find_cause": "Find out whether an app or a page no longer leads here.",
    "read_tag": "Read these conversations: the system prompt or the knowledge may have nothing on them yet.",
}
