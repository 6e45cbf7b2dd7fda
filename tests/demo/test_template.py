from demo.template import expand


def test_alternatives_multiply_in_writing_order_and_slots_are_listed():
    phrases = expand("[Hi|Hello], order <order>[ and <product>|].")
    assert [phrase.text for phrase in phrases] == [
        "Hi, order <order> and <product>.",
        "Hi, order <order>.",
        "Hello, order <order> and <product>.",
        "Hello, order <order>.",
    ]
    assert [sorted(phrase.slots) for phrase in phrases[:2]] == [["order", "product"], ["order"]]


def test_fill_puts_values_into_gaps():
    (phrase,) = expand("Order <order> to <city>")
    assert phrase.fill({"order": "QD-548", "city": "Rome", "name": "unused"}) == "Order QD-548 to Rome"
