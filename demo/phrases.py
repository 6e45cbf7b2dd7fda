"""The phrases around an intent: polite words before and after, and customers giving an order number.

Each lead and tail belongs to exactly one style, so that a reply that mixes two styles can be recognized.
"""

from collections.abc import Mapping

from demo.intents import Style
from demo.slots import Language

SORRY_LEADS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "I am [so|really|very] sorry about [this|that][, <name>|].",
        "Oh no, I am sorry [to hear that|for the trouble][, <name>|].",
        "I understand how [frustrating|annoying] this is[, <name>|].",
        "Thank you for [telling me|letting me know][, <name>|].",
    ),
    "zh": (
        "[非常|真的|实在]抱歉[，<name>|]。",
        "[<name>，|]很抱歉给您添麻烦了。",
        "[<name>，|]我完全理解您的心情。",
        "谢谢您告诉我[，<name>|]。",
    ),
}
GLAD_LEADS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Of course[, <name>|], I am [happy|glad] to help.",
        "Thank you for [writing|your message][, <name>|]!",
        "With pleasure[, <name>|]!",
        "I am [happy|glad] you asked[, <name>|].",
    ),
    "zh": (
        "当然可以[，<name>|]，很[乐意|高兴]帮您。",
        "[<name>，|]感谢您的[来信|留言]！",
        "没问题[，<name>|]！",
        "很高兴您[联系|来问]我们[，<name>|]。",
    ),
}
LEADS: Mapping[Language, Mapping[Style, tuple[str, ...]]] = {
    "en": {
        "warm": (),  # see the two tables above
        "plain": ("Hello.", "Thanks for the question.", "Sure."),
        "curt": ("Look.", "Noted.", "Fine."),
        "pushy": ("Great news!", "Listen!", "Perfect timing!"),
        "robotic": ("Request received.", "Dear customer.", "Automatic reply."),
    },
    "zh": {
        "warm": (),
        "plain": ("您好。", "好的。", "收到您的问题。"),
        "curt": ("听着。", "知道了。", "行吧。"),
        "pushy": ("好消息！", "机会来了！", "太巧了！"),
        "robotic": ("请求已收到。", "尊敬的客户。", "自动回复。"),
    },
}
TAILS: Mapping[Language, Mapping[Style, tuple[str, ...]]] = {
    "en": {
        "warm": (
            "Is there anything else I can do for you?",
            "Please write to me [any time|if anything is unclear].",
            "I will keep an eye on it for you.",
        ),
        "plain": ("Let us know if you have questions.", "You will get a confirmation by e-mail."),
        "curt": ("That is it.", "Do not ask again."),
        "pushy": (
            "Upgrade to Premium and never wait again!",
            "Rate us five stars right now!",
            "Offer ends tonight!",
        ),
        "robotic": (
            "This message was generated automatically.",
            "Please do not reply to this message.",
            "End of notice.",
        ),
    },
    "zh": {
        "warm": ("还有什么我可以帮您的吗？", "有不清楚的地方[随时|请]告诉我。", "我会一直帮您跟进。"),
        "plain": ("如有疑问请联系我们。", "确认邮件会发给您。"),
        "curt": ("就这样。", "别再问了。"),
        "pushy": ("升级会员，从此不用等！", "马上给我们五星好评！", "优惠今晚结束！"),
        "robotic": ("本消息由系统自动生成。", "请勿回复本消息。", "通知结束。"),
    },
}
COURTESY: Mapping[Language, str] = {"en": TAILS["en"]["warm"][0], "zh": TAILS["zh"]["warm"][0]}
LEAD_SHARE: Mapping[Style, float] = {"warm": 0.75, "plain": 0.4, "curt": 0.3, "pushy": 0.5, "robotic": 0.5}
TAIL_SHARE: Mapping[Style, float] = {"warm": 0.45, "plain": 0.3, "curt": 0.3, "pushy": 0.3, "robotic": 0.4}

CUSTOMER_LEADS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "[Hi|Hello|Hey|Good morning][!|,|.]",
        "[Hi|Hello], [I am|this is] <name>.",
        "Sorry to bother you.",
        "[One more thing|Another question]:",
        "Also,",
    ),
    "zh": (
        "[你好|您好|早上好][，|！|。]",
        "[你好，|]我是<name>，",
        "打扰一下，",
        "[还有|另外]，",
        "再问一下，",
    ),
}
CUSTOMER_TAILS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "[Thanks|Thank you|Please help|Can you help me][.|!]",
        "[My|The] order number is <order>.",
        "Order <order>.",
    ),
    "zh": ("[谢谢|麻烦了|请帮帮我][。|！]", "订单号是<order>。", "我的订单号：<order>。"),
}
JOINER: Mapping[Language, str] = {"en": " ", "zh": ""}
