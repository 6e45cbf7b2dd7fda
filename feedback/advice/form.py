"""What an edit changed: only the form of the reply, and which part of it, or what it says. Pure.

In doubt it is the content: a word that carries meaning is never form, and neither is anything that was
written anew.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from feedback.records.cards import LIST_ITEM, MARKUP
from feedback.records.distance import split_tokens
from feedback.records.meaning import turns_sentence

Form = Literal["punctuation", "format", "greeting", "length"]
Clause = tuple[str, ...]

CUT = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)|[!?;~。！？，；：～\n]+")  # 14:30 and 1,000 stay whole
# A clause that greets, thanks or takes leave, and says nothing else.
POLITE = re.compile(
    r"(?:hi|hello|hey|dear)(?: \w+){0,3}|good (?:morning|afternoon|evening|day)(?: \w+){0,2}|"
    r"(?:many )?thanks|thank you(?: (?:so|very) much)?|"
    r"(?:thanks|thank you)(?: \w+){0,3} for (?:your (?:message|patience|question|order)|"
    r"(?:contacting|writing to|reaching out to) us|reaching out)|"
    r"(?:kind|best|warm) (?:regards|wishes)(?: \w+){0,3}|(?:yours )?sincerely(?: \w+){0,3}|cheers|"
    r"have a (?:nice|great|good|lovely) (?:day|evening|weekend)|(?:you are|you're) welcome|"
    r"亲(?:爱的)?|(?:尊敬的)?(?:您|你)好|(?:尊敬的|亲爱的)?(?:客户|顾客|用户)(?:您好|你好)?|"
    r"(?:早上|上午|下午|晚上)好|(?:非常)?(?:感谢|谢谢)(?:您|你)?(?:的(?:来信|耐心|耐心等待|咨询|支持|理解))?|"
    r"祝(?:您|你)(?:生活|购物)?愉快|此致|敬礼"
)

LEAVES = ("regards", "wishes", "sincerely", "cheers")  # the last word of a clause that takes leave
NAME = 3  # words of the name below it


def count_forms(edits: Iterable[tuple[str, str]]) -> Counter[str]:
    """The edits that change the form alone, by what they change."""
    found = (find_form_change(before, after) for before, after in edits)
    return Counter[str](form for form in found if form is not None)


def find_form_change(before: str, after: str) -> Form | None:
    """The part of the form that an edit changed; None where it changed what the reply says."""
    old, new = split_clauses(before), split_clauses(after)
    if join_words(old) == join_words(new):
        return "punctuation" if read_layout(before) == read_layout(after) else "format"
    old, new = drop_polite(old), drop_polite(new)
    if not old or not new:
        return None
    if join_words(old) == join_words(new):
        return "greeting"
    if stands_in(new, old) and not turns_sentence(before, after):
        return "length"
    return None


def split_clauses(text: str) -> list[Clause]:
    """The words of each clause, without signs, markup and the marks of lists."""
    plain = LIST_ITEM.sub("\n", text)
    clauses = (tuple(filter(is_word, split_tokens(clause))) for clause in CUT.split(plain))
    return [clause for clause in clauses if clause]


def is_word(token: str) -> bool:
    return any(sign.isalnum() for sign in token)


def join_words(clauses: Sequence[Clause]) -> Clause:
    return tuple(word for clause in clauses for word in clause)


def drop_polite(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses without those that greet, thank or take leave, and without the name below a reply."""
    kept: list[Clause] = []
    for place, clause in enumerate(clauses):
        is_name = place == len(clauses) - 1 and len(clause) <= NAME and place and ends(clauses[place - 1])
        if not is_name and not is_polite(clause):
            kept.append(clause)
    return kept


def is_polite(clause: Clause) -> bool:
    """Chinese words are one sign each, and stand without spaces."""
    return any(POLITE.fullmatch(sep.join(clause).replace("’", "'")) for sep in (" ", ""))


def ends(clause: Clause) -> bool:
    return is_polite(clause) and clause[-1] in LEAVES


def stands_in(part: Sequence[Clause], whole: Sequence[Clause]) -> bool:
    """Whether all clauses of `part` stand in `whole` in the same order."""
    left = iter(whole)
    return all(clause in left for clause in part)


def read_layout(text: str) -> tuple[int, int, int]:
    """List items, other markup and lines that are not blank."""
    lines = sum(bool(line.strip()) for line in text.splitlines())
    return len(LIST_ITEM.findall(text)), len(MARKUP.findall(text)), lines
