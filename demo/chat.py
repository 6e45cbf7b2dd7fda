"""Example first messages for the demo's customer page, which the demo model answers well."""

from feedback.settings import FeedbackSettings
from serving.settings import DEMO_BASE

EXAMPLES = {
    "en": (
        "Where is my order QD-548?",
        "I would like a refund for order AF-207.",
        "I forgot my password.",
    ),
    "zh": ("我的订单QD-548到哪里了？", "你好，我要退款，订单AF-207。", "我忘记密码了。"),
}


def add_examples(settings: FeedbackSettings, *, base_model: str) -> FeedbackSettings:
    """The settings with these examples, if the base is the demo model and they have none."""
    if base_model != DEMO_BASE or settings.chat_examples:
        return settings
    return settings.model_copy(update={"chat_examples": EXAMPLES})
