"""The intents of the grammar, one file per kind of concern."""

from demo.intents.account import HUMAN, LOGIN
from demo.intents.goods import DAMAGED, PRODUCT_QUESTION, RETURN, WARRANTY, WRONG_ITEM
from demo.intents.intent import STYLES, Intent, Side, Style
from demo.intents.money import DISCOUNT, INVOICE, PAYMENT_FAILED, REFUND
from demo.intents.orders import CANCEL, CHANGE_ADDRESS, DELAY, ORDER_STATUS
from demo.intents.smalltalk import GREETING, HOW_LONG, THANKS

CONCERNS: tuple[Intent, ...] = (
    ORDER_STATUS,
    DELAY,
    CANCEL,
    CHANGE_ADDRESS,
    REFUND,
    INVOICE,
    PAYMENT_FAILED,
    DISCOUNT,
    RETURN,
    DAMAGED,
    WRONG_ITEM,
    WARRANTY,
    PRODUCT_QUESTION,
    LOGIN,
    HUMAN,
)
INTENTS: tuple[Intent, ...] = (*CONCERNS, GREETING, HOW_LONG, THANKS)

__all__ = ["CONCERNS", "GREETING", "HOW_LONG", "INTENTS", "STYLES", "THANKS", "Intent", "Side", "Style"]
