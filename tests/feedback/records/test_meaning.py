"""Which small edits turn a sentence, worked out by hand, and what becomes of them and of harmless ones."""

import pytest

from feedback.records.meaning import turns_sentence
from feedback.records.normalise import settle_choice
from feedback.records.pairs import pair_choice, refuse_close
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, read_form

# Long enough that any of the edits is nearer than 0.05.
EN = (
    "Thank you for your message and your patience, I have looked at it and {} "
    "Please write again if anything is unclear to you at all."
)
ZH = (
    "感谢您的来信和耐心等待，我们已经仔细查看了您反映的情况，{}"
    "如果还有任何疑问，请随时与我们的客服联系，我们非常乐意为您服务，祝您生活愉快。"
)

TURNING = [
    (EN, "we can send it back.", "we cannot send it back."),
    (EN, "we can send it back.", "we can't send it back."),
    (EN, "it is open.", "it isn't open."),
    (EN, "it is open.", "it is not open."),
    (EN, "Yes, it is yours.", "No, it is yours."),
    (EN, "you have 30 days.", "you have 14 days."),
    (EN, "you have 14 days.", "you have 14 weeks."),
    (EN, "it takes two days.", "it takes ten days."),
    (EN, "it takes one day.", "it takes two days."),
    (EN, "it costs $10.", "it costs €10."),
    (EN, "it costs $10.", "it costs $100."),
    (EN, "it is 10% off.", "it is 15% off."),
    (EN, "we open at 9 am.", "we open at 9 pm."),
    (EN, "we open at 9:00.", "we open at 9:30."),
    (EN, "it weighs 5 kg.", "it weighs 5 g."),
    (EN, "it ships today.", "it ships tomorrow."),
    (EN, "it ships on Monday.", "it ships on Sunday."),
    (EN, "it ships on 3 June.", "it ships on 3 July."),
    (EN, "the plug is safe.", "the plug is unsafe."),
    (EN, "it is possible.", "it is impossible."),
    (EN, "it is refundable.", "it is non-refundable."),
    (EN, "it is correct.", "it is incorrect."),
    (EN, "it is useful.", "it is useless."),
    (EN, "you may return it.", "you must return it."),
    (EN, "it will arrive.", "it may arrive."),
    (EN, "it comes with a cable.", "it comes without a cable."),
    (EN, "pay before you send it.", "pay after you send it."),
    (EN, "it is for members.", "it is only for members."),
    (EN, "order AB-123 is sent.", "order AB-124 is sent."),
    (EN, "not all of it is here.", "all of it is not here."),
    (ZH, "您可以退货。", "您不可以退货。"),
    (ZH, "我们能退款。", "我们不能退款。"),
    (ZH, "包裹已发出。", "包裹未发出。"),
    (ZH, "商品有货。", "商品无货。"),
    (ZH, "您有7天时间。", "您有15天时间。"),
    (ZH, "您有三天时间。", "您有七天时间。"),
    (ZH, "您有三天时间。", "您有三周时间。"),
    (ZH, "今天发货。", "明天发货。"),
    (ZH, "周一发货。", "周五发货。"),
    (ZH, "费用是10元。", "费用是10块。"),
    (ZH, "请打开电源。", "请勿打开电源。"),
    (ZH, "付款前发货。", "付款后发货。"),
    (ZH, "您必须付款。", "您可以付款。"),
    (ZH, "这项服务免费。", "这项服务收费。"),
    (ZH, "请拆开包装。", "请别拆开包装。"),
]
HARMLESS = [
    (EN, "we can send it back.", "we can send it back!"),
    (EN, "we cannot send it.", "we can't send it."),
    (EN, "we do not have it.", "we don’t have it."),
    (EN, "we dont have it.", "we don't have it."),
    (EN, "I will send it.", "I'll send it."),
    (EN, "I am on it.", "I'm on it."),
    (EN, "it is on teh way.", "it is on the way."),
    (EN, "we found it.", "we found it"),
    (EN, "i found it.", "I found it."),
    (EN, "we found it, and sent it.", "we found it and sent it."),
    (EN, "it costs 1000 dollars.", "it costs 1,000 dollars."),
    (EN, "it costs $10.", "it costs $10.00."),
    (EN, "it takes two days.", "it takes 2 days."),
    (EN, "it takes 2 day.", "it takes 2 days."),
    (EN, "on May 3rd it ships.", "on May 3 it ships."),
    (EN, "we open at 9am.", "we open at 9 am."),
    (EN, "the parcel is here.", "your parcel is here."),
    (EN, "we open at 09:30.", "we open at 9:30."),
    (EN, "it takes 5 min.", "it takes 5 minutes."),
    (EN, "I'd send it again.", "I would send it again."),
    (EN, "we put it to the box.", "we put it into the box."),
    (ZH, "您订单已发货。", "您的订单已发货。"),
    (ZH, "包裹已发货。", "包裹已经发货。"),
    (ZH, "感谢您。", "非常感谢您。"),
    (ZH, "您有三天时间。", "您有3天时间。"),
    (ZH, "周日发货。", "星期天发货。"),
    (ZH, "请查看, 谢谢。", "请查看，谢谢。"),
    (ZH, "不过包裹在路上。", "但包裹在路上。"),
    (ZH, "我们能退款。", "我们可以退款。"),
    (ZH, "这是特别的礼物。", "这是个特别的礼物。"),
]


def settle(before, **fields):
    others = ["Something else altogether.", "And another reply of no kind."]
    body = {
        "prompt": [{"role": "user", "content": "Hello? 你好"}],
        "candidates": [{"text": text} for text in (before, *others)],
    }
    form = read_form(ChoiceForm, body | fields)
    assert isinstance(form, ChoiceForm), form
    return settle_choice(form)


def test_the_tables_are_large_enough():
    assert len(TURNING) >= 40 and len(HARMLESS) >= 20


@pytest.mark.parametrize(("frame", "before", "after"), TURNING)
def test_an_edit_that_turns_a_sentence_is_an_edit(frame, before, after):
    for old, new in ((before, after), (after, before)):
        assert turns_sentence(old, new)
        written, shown = frame.format(new), frame.format(old)
        choice = settle(shown, picked=[0], edited=written)
        assert (choice.kind, choice.picked, choice.edited) == ("edit", [0], written)
        assert ("edited>0", written, shown) in pair_choice(choice.to_record())
        assert settle(shown, picked=[], own=written).kind == "own"
        assert refuse_close(written, shown) is None


@pytest.mark.parametrize(("frame", "before", "after"), HARMLESS)
def test_an_edit_that_turns_nothing_stays_a_pick(frame, before, after):
    for old, new in ((before, after), (after, before)):
        written, shown = frame.format(new), frame.format(old)
        choice = settle(shown, picked=[0], edited=written)
        assert (choice.kind, choice.picked, choice.edited) == ("pick", [0], None)
        assert settle(shown, picked=[], own=written).kind == "pick"
        assert isinstance(refuse_close(written, shown), Refusal) or shown == written


def test_a_yes_that_begins_a_sentence_counts_and_one_inside_a_sentence_does_not():
    assert turns_sentence("是的，包裹在路上。", "包裹在路上。")
    assert turns_sentence("您好。对，包裹在路上。", "您好。哦，包裹在路上。")
    assert not turns_sentence("是的，包裹在路上。", "好的，包裹在路上。")
    assert not turns_sentence("这是您的包裹。", "这就是您的包裹。")


@pytest.mark.parametrize("picked", [0, 1])
def test_of_replies_that_differ_in_layout_alone_the_picked_text_is_kept(picked):
    texts = ["1. Open it.\n2. Press the button.", "1. open it. 2. press the button.", "Wait."]
    body = {
        "prompt": [{"role": "user", "content": "How?"}],
        "candidates": [{"text": text, "token_ids": [n]} for n, text in enumerate(texts)],
        "picked": [picked],
    }
    choice = settle_choice(read_form(ChoiceForm, body))
    kept = choice.candidates[0]
    assert (kept.text, kept.token_ids, choice.picked) == (texts[picked], [picked], [0])
    assert settle_choice(choice) == choice


def test_of_a_tie_of_layouts_the_first_text_is_kept():
    body = {
        "prompt": [{"role": "user", "content": "How?"}],
        "candidates": [{"text": text} for text in ("a b", "A b", "A  b", "c")],
        "picked": [2, 1],
    }
    choice = settle_choice(read_form(ChoiceForm, body))
    assert [reply.text for reply in choice.candidates] == ["A b", "c"]
