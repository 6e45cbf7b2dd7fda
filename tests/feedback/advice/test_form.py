"""What an edit changed: each case decided by reading it."""

import pytest

from feedback.advice.form import count_forms, find_form_change

SHOP = "Your parcel left our warehouse this morning. You will get the tracking number by mail."


@pytest.mark.parametrize(
    ("before", "after", "form"),
    [
        (SHOP, SHOP.replace("morning. You", "morning; you"), "punctuation"),
        (SHOP, SHOP.upper(), "punctuation"),
        (SHOP, f"**Good news:** {SHOP}", None),  # two words that were not there
        (SHOP, SHOP.replace("parcel", "**parcel**"), "format"),
        (SHOP, SHOP.replace(". You", ".\n\nYou"), "format"),
        ("Please send the order and a photo", "- Please send the order\n- and a photo", "format"),
        (SHOP, f"Dear Ms Smith, {SHOP} Kind regards, Ann", "greeting"),
        (f"Hello! {SHOP} Have a nice day!", SHOP, "greeting"),
        ("Thank you for your patience. " + SHOP, SHOP, "greeting"),
        ("您好，包裹今天早上已经发出。", "包裹今天早上已经发出。祝您生活愉快！", "greeting"),
        ("亲，包裹今天早上已经发出。", "尊敬的客户您好，包裹今天早上已经发出。", "greeting"),
        (SHOP + " Our shop also sells lamps.", SHOP, "length"),
        ("Hi there! " + SHOP + " Our shop also sells lamps.", SHOP, "length"),
        (SHOP + " It must be paid before.", SHOP, None),  # what must be is no matter of length
        (SHOP, SHOP.replace("mail", "letter"), None),
        (SHOP, SHOP.replace("will", "will not"), None),
        ("It costs 1,000 euros.", "It costs 1000 euros.", None),
        ("Call us at 14:30.", "Call us at 14:45.", None),
        (SHOP, SHOP + " Our shop also sells lamps.", None),
        ("包裹今天早上已经发出。", "包裹明天早上发出。", None),
        ("Hello!", "Good morning!", None),  # nothing but politeness: what it should say was missing
    ],
)
def test_each_edit_changed_that(before, after, form):
    assert find_form_change(before, after) == form


def test_only_edits_of_the_form_are_counted():
    edits = [(SHOP, SHOP.upper()), (SHOP, "Dear Ann, " + SHOP), (SHOP, "Sorry."), (SHOP, SHOP.upper())]
    assert count_forms(edits) == {"punctuation": 2, "greeting": 1}
