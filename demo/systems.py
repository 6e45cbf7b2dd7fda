"""System messages in the demo model's training: none, short ones, and ones followed by knowledge articles.

They have the form that serving/prompt.py writes (prompt and articles separated by an empty line) and a few
others. They only make the model robust to a desk's system prompt; it does not learn to use the facts.
"""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

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
FACTS: Mapping[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Shipping", "We ship within two working days."),
        ("Returns", "Goods can be returned within 30 days."),
        ("Refunds", "Money is paid back to the card used."),
        ("Opening hours", "From nine to five on working days."),
        ("Warranty", "Two years on all electric goods."),
        ("Payment", "Card, bank transfer or gift card."),
        ("Stock", "The <product> is back next week."),
        ("Recall", "No recall is known for the <product>."),
    ),
    "zh": (
        ("配送", "两个工作日内发货。"),
        ("退货", "三十天内可以退货。"),
        ("退款", "原路退回付款的银行卡。"),
        ("营业时间", "工作日九点到五点。"),
        ("保修", "所有电器保修两年。"),
        ("付款", "银行卡、转账或礼品卡。"),
        ("库存", "<product>下周补货。"),
        ("召回", "<product>没有召回。"),
    ),
}
HEADINGS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Knowledge:", "Facts:"),
    "zh": ("知识：", "Knowledge:"),
}


def draw_system(rng: random.Random, language: Language) -> str | None:
    """A system message, or None in nearly half the cases; at times not in the customer's language."""
    if rng.random() < 0.45:
        return None
    other: Language = "zh" if language == "en" else "en"
    prompts = SYSTEM_PROMPTS[other if rng.random() < 0.2 else language]
    parts = [rng.choice(rng.choice(expand_all(prompts))).text]
    if rng.random() < 0.35:
        product = rng.choice(PRODUCTS[language])
        facts = rng.sample(FACTS[language], rng.randint(1, 3))
        facts = [(title, text.replace("<product>", product)) for title, text in facts]
        if rng.random() < 0.6:
            parts += [f"{title}\n{text}" for title, text in facts]
            parts = parts[1:] if rng.random() < 0.2 else parts
        else:
            bullet = rng.choice(("- ", "", "* "))
            heading = rng.choice(HEADINGS[language])
            parts.append("\n".join([heading, *(f"{bullet}{title}: {text}" for title, text in facts)]))
    return "\n\n".join(parts)
