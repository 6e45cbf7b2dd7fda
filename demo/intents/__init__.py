"""The intents of the grammar: concerns, a TOML file for each kind of them, and the small talk around them."""

from demo.intents.intent import STYLES as STYLES
from demo.intents.intent import Intent as Intent
from demo.intents.intent import Style as Style
from demo.intents.intent import read_intents

CONCERNS: tuple[Intent, ...] = tuple(
    intent for kind in ("orders", "money", "goods", "account") for intent in read_intents(kind).values()
)
_SMALLTALK = read_intents("smalltalk")
GREETING, HOW_LONG, THANKS = (_SMALLTALK[name] for name in ("greeting", "how_long", "thanks"))
ASK = _SMALLTALK["ask_order"]
INTENTS: tuple[Intent, ...] = (*CONCERNS, GREETING, HOW_LONG, THANKS)
