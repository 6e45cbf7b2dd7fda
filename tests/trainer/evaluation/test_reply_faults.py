import pytest

from trainer.errors import CheckerUnknown
from trainer.evaluation.reply_faults import find_fault, load_named

ENGLISH = [{"role": "user", "content": "Where is my order?"}]
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
    ],
)
def test_general_faults(text, messages, finished, fault):
    assert find_fault(text, messages, finished=finished) == fault


def test_checker_of_the_base_is_asked_last():
    fault = find_fault("Fine.", ENGLISH, finished=True, checker=lambda text, messages: text == "Fine.")
    assert fault == "checker"


def test_named_checker_is_imported_or_refused():
    assert load_named("trainer.evaluation.reply_faults:find_fault") is find_fault
    with pytest.raises(CheckerUnknown, match=r"no\.such:thing"):
        load_named("no.such:thing")
