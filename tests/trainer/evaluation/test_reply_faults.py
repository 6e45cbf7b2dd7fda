import pytest

from trainer.errors import CheckerUnknown
from trainer.evaluation.reply_faults import find_reply_fault, find_wrong_language, load_named

ENGLISH = [{"role": "user", "content": "Where is my order?"}]
JAPANESE = [{"role": "user", "content": "注文の配送状況を確認したいです"}]
GERMAN = [
    {"role": "user", "content": "Wo bleibt denn meine Bestellung?"},
    {"role": "user", "content": "Na?"},
]
CHINESE = [{"role": "user", "content": "我的订单在哪里?"}]


@pytest.mark.parametrize(
    ("text", "messages", "finished", "fault"),
    [
        ("Your order AB-123 left today.", ENGLISH, True, None),
        ("您的订单今天已发出。", CHINESE, True, None),
        ("  ", ENGLISH, True, "empty"),
        ("Your order left", ENGLISH, False, "unfinished"),
        ("it is on its way it is on its way it is on its way", ENGLISH, True, "repeated"),
        ("请稍等一下请稍等一下请稍等一下", CHINESE, True, "repeated"),
        ("您的订单今天已发出。", ENGLISH, True, "wrong_language"),
        ("Your order left today.", CHINESE, True, "wrong_language"),
        ("12-345", CHINESE, True, None),  # no script to tell by
        ("好的。订单WV-666已发出。", [*CHINESE, {"role": "user", "content": "WV-666"}], True, None),
        ("Order WV-666 left.", [*CHINESE, {"role": "user", "content": "WV-666"}], True, "wrong_language"),
        ("您的订单今天已经发出,请您耐心等待。", JAPANESE, True, "wrong_language"),
        ("ご注文の商品は今朝発送されました。", JAPANESE, True, None),
        ("Ihre Bestellung ist heute abgereist.", GERMAN, True, None),
        ("Your order left our warehouse today.", GERMAN, True, "wrong_language"),
        ("Gerne, einen Moment.", GERMAN, True, None),  # too short to accuse
    ],
)
def test_general_faults(text, messages, finished, fault):
    assert find_reply_fault(text, messages, finished=finished) == fault


def test_wrong_language_says_which_was_answered_in_which():
    assert find_wrong_language("Your order left our warehouse today.", GERMAN) == "de -> en"
    assert find_wrong_language("Your order left.", JAPANESE) == "ja -> latin"
    assert find_wrong_language("ご注文の商品は今朝発送されました。", JAPANESE) is None


def test_checker_of_the_base_is_asked_last():
    fault = find_reply_fault("Fine.", ENGLISH, finished=True, checker=lambda text, messages: text == "Fine.")
    assert fault == "checker"


def test_named_checker_is_imported_or_refused():
    assert load_named("trainer.evaluation.reply_faults:find_reply_fault") is find_reply_fault
    with pytest.raises(CheckerUnknown, match=r"no\.such:thing"):
        load_named("no.such:thing")
