"""Identifiers of a person that are recognised only beside a cue word: messenger names, passports, plates."""

import re
from collections.abc import Iterator

Place = tuple[int, int]

# One of these stands in every text that names a messenger: most texts are spared the patterns.
APPS = (
    "wechat", "we chat", "weixin", "whatsapp", "whats app", "telegram", "line", "skype", "signal", "discord",
    "wx", "vx", "tg", "v信", "微信", "薇信", "威信", "电报", "钉钉", "飞书", "live:", ".me/", "qq", "q q",
    "扣扣", "企鹅",
)  # fmt: skip
_NAME = r"(?![vV]?\d+(?:\.\d+)+)@?[A-Za-z][A-Za-z0-9_.-]{4,30}[A-Za-z0-9_]"
_APP = (
    r"(?:(?<![A-Za-z])(?:we ?chat|weixin|whats ?app|telegram|line|skype|signal|discord|wx|vx|tg)(?![A-Za-z])"
    r"|v信|微信|薇信|威信|电报|钉钉|飞书)"
)
_WHAT = r"(?:[ ]?的?(?:id|user ?name|handle|account|number|name|号码?|账号|帐号))?"
# A name that is letters alone is a name only after "ID:" or 号: "my WeChat is blocked" has none.
MARKED = re.compile(
    rf"(?i:{_APP}{_WHAT})[ ,，]?(?i:is|are|是|为|：|:|under|叫)?[ ]?"
    rf"(?P<name>(?=@|[A-Za-z-]*[\d_.]){_NAME})(?![A-Za-z0-9_])"
)
NAMED = re.compile(
    rf"(?i:{_APP}[ ]?的?(?:id|user ?name|handle|号|账号|帐号)[ ]?(?:：|:|是)[ ]?)"
    rf"(?P<name>{_NAME})(?![A-Za-z0-9_])"
)
SKYPE = re.compile(r"(?P<name>live:[A-Za-z0-9_.-]{3,30}[A-Za-z0-9])")
LINK = re.compile(r"(?P<name>(?i:t|wa)\.me/\+?[A-Za-z0-9_]{5,32})")
QQ = re.compile(
    r"(?i:(?<![A-Za-z])q\s?q|扣扣|企鹅)(?i:[号码群是为：:，, ]|number|no\.?|is|id){0,6}"
    r"(?P<name>[1-9]\d{4,10})(?!\d)"
)
MESSENGERS = (MARKED, NAMED, SKYPE, LINK, QQ)

_GAP = r"(?:[^\n.!?。！？;；]|(?<=no)\.|(?<=nr)\.){0,24}?"
_PAPER = r"(?=(?:[A-Z]*\d){2})[A-Z0-9]{7,10}|[A-Za-z]{1,2}\d{6,9}"
PASSPORTS = (
    re.compile(
        rf"(?i:passport|travel document|护照|通行证|台胞证|回乡证){_GAP}"
        rf"(?<![A-Za-z0-9])(?P<name>{_PAPER})(?![A-Za-z0-9])"
    ),
    re.compile(
        r"(?<![A-Za-z0-9])(?P<name>[A-Z]{1,2}\d{7,8})(?![A-Za-z0-9])[^\n.!?。！？;；]{0,14}?(?i:passport|护照)"
    ),
)

_REGION = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_TOKEN = (
    r"(?=[A-Z0-9 -]{0,18}\d)(?=[A-Z0-9 -]{0,18}[A-Z])"
    r"(?:[A-Z0-9]{5,8}|[A-Z0-9]{1,4}(?:[ -][A-Z0-9]{1,4}){1,3})(?![A-Za-z0-9])"
)
_BEFORE_PLATE = (
    r"(?i:licen[cs]e plate|number plate|plate|vehicle registration|registration number|registration(?! code)"
    r"|\breg\b|rego|car is)"
)
PLATES = (
    re.compile(
        rf"(?P<name>[{_REGION}](?i:[A-HJ-NP-Z][·•. -]?(?=[A-Z]{{0,6}}\d)"
        r"(?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领]|[A-HJ-NP-Z0-9]{6})))(?![A-Za-z0-9])"
    ),
    re.compile(rf"{_BEFORE_PLATE}[^\n.!?。！？;；]{{0,16}}?(?<![A-Za-z0-9])(?P<name>{_TOKEN})"),
    re.compile(
        rf"(?<![A-Za-z0-9-])(?P<name>{_TOKEN})[ ](?i:is|are) "
        r"(?i:my|our|the) (?i:licen[cs]e |number )?(?i:plate|reg)"
    ),
)


def find_messengers(text: str) -> Iterator[Place]:
    low = text.casefold()
    return _find(MESSENGERS, text) if any(word in low for word in APPS) else iter(())


def find_passports(text: str) -> Iterator[Place]:
    return _find(PASSPORTS, text)


def find_plates(text: str) -> Iterator[Place]:
    return _find(PLATES, text)


def _find(patterns: tuple[re.Pattern[str], ...], text: str) -> Iterator[Place]:
    return (match.span("name") for pattern in patterns for match in pattern.finditer(text))
