"""Conversations that wait for a reply, so that a new workbench has a queue, in English and Chinese.

They stay inside the grammar, so that the demo model answers them well; some wordings and numbers are held
out.
"""

from typing import TypedDict

from demo.slots import Language


class SeedTurn(TypedDict):
    role: str
    text: str


class SeedConversation(TypedDict):
    id: str
    language: Language
    turns: list[SeedTurn]
    tags: list[str]


def _seed(number: int, language: Language, tag: str, *texts: str) -> SeedConversation:
    """A conversation from texts that alternate between customer and agent, the customer first and last."""
    turns: list[SeedTurn] = [
        {"role": "agent" if i % 2 else "customer", "text": text} for i, text in enumerate(texts)
    ]
    return {"id": f"seed-{number:02d}", "language": language, "turns": turns, "tags": ["demo", tag]}


SEED_CONVERSATIONS: list[SeedConversation] = [
    _seed(1, "en", "order_status", "Hello, this is Emma. Where is my order QD-548?"),
    _seed(2, "zh", "refund", "你好，我要退款，订单AF-207。"),
    _seed(
        3,
        "en",
        "damaged",
        "I just opened the box and the coffee maker is broken.",
        "Please send us your order number.",
        "It's HQ-731.",
    ),
    _seed(4, "zh", "delay", "说好周三送到的包裹，到现在还没收到。订单号是QD-306。"),
    _seed(5, "en", "change_address", "Hi! I moved to Boston, please send order VB-194 there."),
    _seed(6, "zh", "wrong_item", "你好，我是陈女士，我买的是台灯，收到的却是别的东西，订单OX-662。"),
    _seed(7, "en", "login", "I am unable to sign in to my account. Please help."),
    _seed(8, "zh", "warranty", "吸尘器用了半年就坏了，保修吗？"),
    _seed(
        9,
        "en",
        "how_long",
        "Please cancel my bookshelf order. Order JB-415.",
        "We cancelled order JB-415.",
        "How long will that take?",
    ),
    _seed(10, "zh", "product_question", "打扰一下，新款耳机和旧款有什么区别？"),
    _seed(11, "en", "discount", "Hey! Is there a discount code for the tent?"),
    _seed(12, "zh", "human", "我要转人工客服。"),
]
