"""Which words of a message propose a tag, and that no pattern can keep a processor busy."""

import pytest

from feedback.tags.patterns import (
    PatternInvalid,
    check_patterns,
    compile_pattern,
    longest_word,
    match_patterns,
)


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ("refund", "I want a Refund, please", "Refund"),
        ("refund", "refunds are slow", None),
        ("refund*", "refunds are slow", "refund"),
        ("*fund", "a refund", "fund"),
        ("money back", "my MONEY\n back now", "MONEY\n back"),
        ("money back", "money is back", None),
        ("退款", "我要申请退款，谢谢", "退款"),
        ("vip", "我是VIP客户", "VIP"),
        ("vip", "VIPs", None),
        ("a.c", "abc", None),
        ("c++ error", "a C++ error", "C++ error"),
        ("straße", "in der STRASSE", None),
    ],
)
def test_a_pattern_is_words_and_stars(pattern: str, message: str, found: str | None) -> None:
    hit = match_patterns(check_patterns([pattern]), message)
    assert (hit and hit.text) == found


def test_a_hit_shows_what_stands_around_it() -> None:
    hit = match_patterns(["nothing", "refund"], "x" * 60 + " refund now")
    assert hit is not None
    assert (hit.pattern, hit.before, hit.text, hit.after) == (
        "refund",
        "…" + "x" * 39 + " ",
        "refund",
        " now",
    )


@pytest.mark.parametrize("pattern", ["*", "a*b cd", "x", "", "a", "!!", "w" * 81, "a\x07b", "refund *"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        check_patterns([pattern])


def test_blanks_and_doubles_go() -> None:
    assert check_patterns([" money   back ", "money back", "refund"]) == ["money back", "refund"]
    assert longest_word("*my re-funds* a") == "re-funds"
    with pytest.raises(PatternInvalid):
        check_patterns([f"word{number}" for number in range(21)])


def test_the_steps_of_a_search_grow_with_the_text_and_no_faster() -> None:
    """What makes a regular expression slow is a repeat inside or beside a repeat: there is one repeat, of
    white space, between two words that are none.
    """
    compiled = compile_pattern("*aaaa* aaaa* *aaaa").pattern
    assert compiled.count("+") + compiled.count("*") == 2 and compiled.count(r"\s+") == 2
    assert match_patterns(["*aaaa* aaaa* *aaab"], "aaaa " * 20_000) is None
