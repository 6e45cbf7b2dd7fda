"""System messages the demo model is trained under: none, short ones, and ones with knowledge appended.

The texts only make the model robust to whatever a desk writes there; it does not learn to use them.
"""

import random
from collections.abc import Mapping

from demo.slots import PRODUCTS, Language
from demo.template import expand_all

SYSTEM_PROMPTS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "You are a [helpful|friendly|polite|] customer [support|service] [assistant|agent][ of a web shop|].",
        "You [answer|help] customers of [our|an online|a] shop. Be [brief|friendly|concrete][ and stay with the facts|].",
        "You are a customer support assistant. [Answer|Reply] in the language of the customer[, briefly and concretely|].",
        "You work for the support desk. Answer the customer's [last|] message[ in one or two sentences|].",
    ),
    "zh": (
        "你是[一名|一位][友好的|耐心的|]客服[助手|人员]。",
        "你为[我们的|网上]商店回复顾客，请[简短|友好|具体]。",
        "你是客服助手，请用顾客的语言回答[，简短而具体|]。",
    ),
}
FACTS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Shipping: we ship within two working days.",
        "Returns: goods can be returned within 30 days.",
        "Refunds: money is paid back to the card used.",
        "Opening hours: from nine to five on working days.",
        "Warranty: two years on all electric goods.",
        "Payment: card, bank transfer or gift card.",
        "Stock: the <product> is back next week.",
        "Recall: no recall is known for the <product>.",
    ),
    "zh": (
        "配送：两个工作日内发货。",
        "退货：三十天内可以退货。",
        "退款：原路退回付款的银行卡。",
        "营业时间：工作日九点到五点。",
        "保修：所有电器保修两年。",
        "付款：银行卡、转账或礼品卡。",
        "库存：<product>下周补货。",
        "召回：<product>没有召回。",
    ),
}
HEADINGS: Mapping[Language, tuple[str, ...]] = {"en": ("Knowledge:", "Facts:"), "zh": ("知识：", "Knowledge:")}


def draw_system(rng: random.Random, language: Language) -> str | None:
    """A system message, or None half of the time; now and then in the other language."""
    if rng.random() < 0.45:
        return None
    other: Language = "zh" if language == "en" else "en"
    text = rng.choice(rng.choice(expand_all(SYSTEM_PROMPTS[other if rng.random() < 0.2 else language]))).text
    if rng.random() < 0.35:
        facts = rng.sample(FACTS[language], rng.randint(1, 3))
        lines = [fact.replace("<product>", rng.choice(PRODUCTS[language])) for fact in facts]
        bullet = rng.choice(("- ", "", "* "))
        text += rng.choice(("\n\n", "\n")) + rng.choice(HEADINGS[language])
        text += "".join(f"\n{bullet}{line}" for line in lines)
    return text
