"""Makes the surrogate that replaces personal data in a dataset: a value of the same shape that belongs to
nobody.

Each function gets the value and an endless stream of bytes that can be repeated only with the key. The result
is of the same kind: a card has a valid check sum, a phone keeps its country, a name is a name.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from stdnum import iban, luhn

from feedback.records.numbers import digits_of, resident_check
from feedback.records.personal import HAN

Numbers = Iterator[int]

DOMAINS = ("example.com", "example.net", "example.org")  # reserved: nobody's
NAMES = (
    "Alder", "Birch", "Cedar", "Dale", "Elder", "Fenn", "Glenn", "Hazel",
    "Iris", "Juniper", "Kestrel", "Linden", "Marlow", "Nettle", "Olive", "Perry",
)  # fmt: skip
CHINESE_FAMILIES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
CHINESE_GIVEN = "安平宁清和悦思远明朗静文嘉佳欣然"
STREETS = (
    "Alder Street",
    "Birch Road",
    "Cedar Avenue",
    "Dale Lane",
    "Elder Street",
    "Fenn Road",
    "Glenn Lane",
)
CHINESE_STREETS = ("松柏路", "银杏路", "梧桐街", "海棠路", "翠竹街", "丁香路", "玉兰街")
REGIONS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


def make_email(value: str, numbers: Numbers) -> str:
    local = re.split(r"@| ?[(\[]", value)[0]
    return f"{make_like(local, numbers)}@{DOMAINS[next(numbers) % len(DOMAINS)]}"


def make_phone(value: str, numbers: Numbers) -> str:
    """A phone number of the same kind: country code and first digits stay, six or more change."""
    count = len(digits_of(value))
    keep = max(0, min(4 if value.startswith("+") or count > 11 else 2, count - 6))
    return fill_digits(value, [next(numbers) % 10 for _ in range(count - keep)], keep)


def make_card(value: str, numbers: Numbers) -> str:
    old = digits_of(value)
    body = [next(numbers) % 10 for _ in range(len(old) - 2)]
    check = luhn.calc_check_digit(old[0] + "".join(map(str, body)))
    return fill_digits(value, [*body, int(check)], 1)


def make_identity(value: str, numbers: Numbers) -> str:
    """Makes a Chinese identity number with another region, another date of birth and a valid check digit;
    other identity numbers are replaced character by character.
    """
    plain = value.replace(" ", "")
    if len(plain) != 18 or not plain[:17].isdecimal():
        return make_like(value, numbers)
    region = [1 + next(numbers) % 6, 1 + next(numbers) % 5, *(next(numbers) % 10 for _ in range(4))]
    born = date(1950, 1, 1) + timedelta(days=(next(numbers) * 256 + next(numbers)) % 20_000)
    order = [next(numbers) % 10 for _ in range(3)]
    body = "".join(map(str, region)) + born.strftime("%Y%m%d") + "".join(map(str, order))
    return body + resident_check(body)


def make_account(value: str, numbers: Numbers) -> str:
    plain = value.replace(" ", "").upper()
    body = make_like(plain[4:], numbers)
    signs = iter(plain[:2] + iban.calc_check_digits(f"{plain[:2]}00{body}") + body)
    return "".join(char if char == " " else next(signs) for char in value)


def make_like(value: str, numbers: Numbers) -> str:
    """Replaces letters by letters, digits by digits, and the region character of a plate by another."""
    return "".join(_make_sign(char, next(numbers)) for char in value)


def make_address(value: str, numbers: Numbers) -> str:
    number = 1 + next(numbers) % 200
    if HAN.search(value):
        return f"{CHINESE_STREETS[next(numbers) % len(CHINESE_STREETS)]}{number}号"
    return f"{number} {STREETS[next(numbers) % len(STREETS)]}"


def make_known(value: str, numbers: Numbers) -> str:
    """A name for a name, an address for an address; else each character is replaced by another."""
    if any(char.isdecimal() for char in value):
        return (
            make_address(value, numbers) if HAN.search(value) or " " in value else make_like(value, numbers)
        )
    if HAN.search(value):
        given = (CHINESE_GIVEN[next(numbers) % len(CHINESE_GIVEN)] for _ in value[1:])
        return CHINESE_FAMILIES[next(numbers) % len(CHINESE_FAMILIES)] + "".join(given)
    name = NAMES[next(numbers) % len(NAMES)]
    return name.upper() if value.isupper() else name.lower() if value.islower() else name


MAKERS: dict[str, Callable[[str, Numbers], str]] = {
    "email": make_email,
    "account": make_account,
    "identity": make_identity,
    "card": make_card,
    "mobile": make_phone,
    "phone": make_phone,
    "messenger": make_like,
    "passport": make_like,
    "plate": make_like,
    "known": make_known,
    "address": make_address,
}


def value_key(value: str, kind: str) -> str:
    """One key for all spellings of a value: case of an e-mail, spaces in a number, +86 are ignored."""
    if kind == "email":
        return value.casefold()
    plain = "".join(char for char in value if char.isalnum()).casefold()
    return (
        plain[2:] if kind in ("phone", "mobile") and len(plain) == 13 and plain.startswith("861") else plain
    )


def fill_digits(value: str, digits: list[int], keep: int) -> str:
    """The value with the digits after the first `keep` replaced; the characters between them stay."""
    fresh, seen, filled = iter(digits), 0, []
    for char in value:
        if char.isdecimal():
            seen += 1
            char = char if seen <= keep else str(next(fresh))
        filled.append(char)
    return "".join(filled)


def _make_sign(char: str, number: int) -> str:
    if char.isdecimal():
        return str(number % 10)
    if char in REGIONS:
        return REGIONS[number % len(REGIONS)]
    if char.isalpha() and not HAN.match(char):
        letter = chr(ord("a") + number % 26)
        return letter.upper() if char.isupper() else letter
    return char
