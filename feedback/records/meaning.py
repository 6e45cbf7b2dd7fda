"""Detects whether a change alters the meaning of a sentence, however small it is: can -> cannot, 30 -> 14
days, 可以 -> 不可以.

This is checked before any distance. English and Chinese words are known by lists, without grammar: a change
that the lists do not know is left to the distance. In doubt the answer is yes, since an edit that says little
is worth more than a pick of the wrong sentence.
"""

import re
import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import product
from typing import NamedTuple


class Token(NamedTuple):
    """A word, number or sign. `form`: of all its spellings; `weighs`: a change changes the meaning."""

    form: str
    weighs: bool


WEIGHTY = frozenset(
    # negations, answers, what may, must and will be
    "no not never none nothing nobody neither nor non without yes can may must shall should will need "
    "不 没 無 无 未 别 勿 莫 非 否 可以 必须 应该 需要 会 要 已 "
    # limits
    "only except unless until before after 只 除 前 后 以内 以上 以下 免费 收费 包邮 自费 "
    # days and measures
    "today tomorrow yesterday monday tuesday wednesday thursday friday saturday sunday january february "
    "march april june july august september october november december second minute hour day week month "
    "year business working percent usd eur gbp cny rmb dollar euro pound yuan cent".split()
)
SAME = {
    **{"could": "can", "might": "may", "would": "will", "needs": "need", "yeah": "yes", "nope": "no"},
    **{"能够": "可以", "能": "可以", "可": "可以", "必需": "必须", "将": "会", "已经": "已", "仅": "只"},
    **{
        "没有": "无",
        "没": "无",
        "沒": "无",
        "無": "无",
        "別": "别",
        "min": "minute",
        "hr": "hour",
        "sec": "second",
    },
    **{"之前": "前", "以前": "前", "之后": "后", "以后": "后", "内": "以内"},
}
NUMBERS = {
    **{
        word: str(number)
        for number, word in enumerate("two three four five six seven eight nine ten".split(), 2)
    },
    **{"eleven": "11", "twelve": "12", "fourteen": "14", "fifteen": "15", "twenty": "20", "thirty": "30"},
    **{"forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100", "half": "0.5"},
    **{sign: str(number) for number, sign in enumerate("零一二三四五六七八九十")},
    **{"两": "2", "半": "0.5", "百": "100", "千": "1000"},
}
# Measures that are measures behind a number only.
_MEASURES = (
    "kg mg lb oz km cm mm ml am pm g m l h 工作日 分钟 小时 星期 公斤 公里 厘米 秒 天 日 周 月 年 元 "
    "块 角 折 号 点 件 次 倍 斤 克 米 升"
).split()
# Words that hold a weighty sign and say something else.
_COMPOUNDS = (
    "不过 不好意思 不客气 不用谢 不仅 不但 不断 不管 对不起 非常 特别 分别 区别 "
    "别人 别的 级别 性别 无论 没关系 未来 除了 是否 会员 机会 社会 会议 功能 "
    "智能 性能 能力 可能 可是 许可 要求 主要 重要 要是 目前 前面 前台 提前 "
    "当前 后续 随后 最后 然后 售后 今后 内容 国内 店内 内部 将来 只是 已知 "
    "一点 一下 一些 一样 一直 一起 一定 一般 一次性 第一 统一 唯一 千万 百分"
).split()


def _any_of(words: object) -> str:
    """A pattern for any of these words, the longest first, so that 没有 is tried before 没."""
    return "|".join(map(re.escape, sorted(map(str, words), key=len, reverse=True)))  # type: ignore[call-overload]


_SIGNS = [word for word in {*WEIGHTY, *SAME} if not word.isascii()]
_NUMERALS = "零一二两三四五六七八九十百千半"
_CHINESE_MEASURES = [word for word in _MEASURES if not word.isascii()]
_TOKEN = re.compile(
    rf"""
    (?P<code>[a-z]+-?\d[\w-]*|\d+-[a-z\d-]*\d[a-z\d-]*)
    |(?P<number>\d+(?:[.,:/]\d+)*)(?:st|nd|rd|th)?
    |(?<=[\d{_NUMERALS}个])\s?(?P<measure>{_any_of(_MEASURES)})(?![a-z])
    |(?P<compound>{_any_of(_COMPOUNDS)})
    |(?P<numeral>[{_NUMERALS}]+)(?=\s?(?:个|{_any_of(_CHINESE_MEASURES)}))
    |(?P<one>one)(?=\s(?:business\s|working\s)?(?:second|minute|hour|day|week|month|year|percent)\b)
    |(?P<day>[今明昨后][天日]|[本下上这]个?[周月]|(?:周|星期|礼拜)[一二三四五六日天])
    |(?P<answer>(?:^|(?<=[。！？!?\s]))(?:是|对|好|行)的?(?=[，,。!\s]|$))
    |(?P<sign>{_any_of(_SIGNS)})
    |(?P<word>(?:(?![\u3400-\u9fff])[^\W\d_])+(?:'[a-z]+)?)
    |(?P<money>[$€£¥%‰])
    |(?P<other>[\u3400-\u9fff])
    """,
    re.VERBOSE,
)
_NOT = re.compile(
    r"\b(ca|wo|sha|do|does|did|is|are|was|were|has|have|had|could|would|should|must|need|might)n'?t\b|\bcannot\b"
)
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}
# What the customer can have a number of: an order, a parcel. 30 days and 14:00 are none.
_REFERENCE = re.compile(r"[a-z]+-?\d[\w-]*|\d{4,}")
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis")
_SHORTEST = 3  # letters of a word that a prefix turns: "to" and "into" are no opposites


def turns_sentence(before: str, after: str) -> bool:
    """Whether a word or number that carries the meaning was added, removed, moved or changed."""
    old, new = read_tokens(before), read_tokens(after)
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        gone, come = old[old_from:old_to], new[new_from:new_to]
        if tag != "equal" and (
            any(token.weighs for token in gone + come)
            or any(are_opposite(one.form, other.form) for one, other in product(gone, come))
        ):
            return True
    return False


def hide_references(text: str, named_in: list[str] | None = None) -> str:
    """The text with `#` for order numbers and the like; with `named_in`, for those in these texts."""
    known = (
        None if named_in is None else {_digits(one) for each in named_in for one in _find_references(each)}
    )

    def hide(found: re.Match[str]) -> str:
        return "#" if known is None or _digits(found.group()) in known else found.group()

    return _REFERENCE.sub(hide, _plain(text))


def read_tokens(text: str) -> list[Token]:
    """The words, numbers and signs of a text, each in one spelling, without punctuation."""
    spelt = _NOT.sub(lambda found: f"{_stem(found.group(1))} not", _plain(text))
    return [token for found in _TOKEN.finditer(spelt) for token in _read(found)]


def are_opposite(one: str, other: str) -> bool:
    """Whether a prefix or an ending turns one word into its opposite: safe, unsafe; useful, useless."""
    short, long = sorted((one, other), key=len)
    if len(short) >= _SHORTEST and any(long == prefix + short for prefix in _PREFIXES):
        return True
    return short.endswith("ful") and long == f"{short[:-3]}less"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def _stem(word: str | None) -> str:
    return "can" if word is None else _STEMS.get(word, word)


def _find_references(text: str) -> list[str]:
    return _REFERENCE.findall(_plain(text))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _read(found: re.Match[str]) -> Iterator[Token]:
    kind = str(found.lastgroup)
    said = found.group(kind)
    if kind == "word":
        stem, _, ending = said.partition("'")
        yield _read_word(stem)
        if ending in ("ll", "d"):
            yield Token("will", True)
    elif kind == "number":
        yield Token(_as_number(said), True)
    elif kind in ("numeral", "one"):
        yield Token("1" if kind == "one" else NUMBERS.get(said, said), True)
    elif kind == "answer":
        yield Token("yes", True)
    elif kind == "day":
        yield Token(said.replace("星期", "周").replace("礼拜", "周").replace("日", "天"), True)
    elif kind in ("compound", "other"):
        yield Token(said, False)
    else:
        yield Token(SAME.get(said, said), True)


def _read_word(word: str) -> Token:
    if word in NUMBERS:
        return Token(NUMBERS[word], True)
    form = SAME.get(word, word)
    single = SAME.get(form.removesuffix("s"), form.removesuffix("s"))
    form = single if single in WEIGHTY else form
    return Token(form, form in WEIGHTY)


def _as_number(said: str) -> str:
    """One spelling for equal numbers (1,000 and 1000.00); times and dates stay as they are written."""
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", said)
    if re.fullmatch(r"\d+\.\d+", plain):
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"
