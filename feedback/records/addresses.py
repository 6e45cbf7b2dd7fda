"""Postal addresses by rules, English and Chinese: a house number beside a word for a street or a building.

Finds what is written as an address; a place that is only named ("by the old bridge") is none.
"""

import re
from collections.abc import Iterator

Place = tuple[int, int]

_SURE = r"street|road|avenue|lane|boulevard|crescent|terrace|highway|parkway"
_CAPITAL = (
    r"St|Rd|Ave|Ln|Blvd|Dr|Drive|Close|Court|Ct|Place|Pl|Square|Sq|Way|Parade|Row|Gardens|Grove|Hill|Mews|Walk|"
    r"Quay|Alley|Circle|Trail|Hwy|Pkwy|Street|Road|Avenue|Lane|Boulevard|Crescent|Terrace|"
    r"Highway|Parkway|Broadway"
)
_NOT = (
    r"(?!(?:the|a|an|of|to|on|in|my|your|our|this|that|and|or|for|from|at|is|was|are|by|with|miles?|minutes?|mins?|"
    r"hours?|days?|weeks?|blocks?|km|away|near|down|people|items?|off|per|different|x|am|pm|o.clock|floor|rooms?)\b)"
)
_WORD = rf"{_NOT}[A-Za-z0-9][A-Za-z0-9.'’-]*"
_PART = r"(?:Apt|Apartment|Flat|Suite|Ste|Unit|Floor|Room|House|No)\.? ?#?[A-Z]?\d*[A-Z]?(?![A-Za-z0-9])"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_ZIP = r"\d{5}(?:-\d{4})?"
_CITY = r"[A-Z][A-Za-z.'’-]*[a-z.](?: [A-Z][A-Za-z.'’-]*[a-z.]){0,2}"
_TAIL = (
    rf"(?: (?:N|S|E|W|NE|NW|SE|SW)\b)?(?:,? (?:{_PART}|#\d+))?"
    rf"(?:,? (?:{_POSTCODE}|[A-Z]{{2}} {_ZIP})"
    rf"|, {_CITY}(?:,? (?:{_POSTCODE}|{_ZIP}|\d{{1,4}})(?![A-Za-z0-9]))?){{0,4}}"
)
_HEAD = rf"(?:{_PART},? )?"
_NUMBER = r"(?<![A-Za-z0-9.,:/-])\d{1,5}[A-Za-z]?(?: ?[-/] ?\d{1,4}[A-Za-z]?)?"
ENGLISH = (
    re.compile(rf"{_HEAD}{_NUMBER},? (?:{_WORD} ){{1,4}}?(?:{_CAPITAL})\b\.?{_TAIL}"),
    re.compile(
        rf"(?i:{_NUMBER},? (?:{_WORD} ){{1,3}}?(?:{_SURE})\b)"
        r"(?=\s*(?:[,.;!?)]|$|(?:in|and|please|as|at|by|is|still|today|instead)\b))" + _TAIL
    ),
    re.compile(r"(?i:\bP\.? ?O\.? ?Box)[ ]?#?\d+" + _TAIL),
    re.compile(
        rf"(?i:post ?code|zip(?: code)?)(?i:[ ]?is|[ ]?:)?[ ](?P<name>{_POSTCODE}|{_ZIP})(?![A-Za-z0-9])"
    ),
    re.compile(
        r"(?i:(?<!mail )(?<!web )(?<!ip )address)(?i:[ ]is|:)[ ]"
        rf"(?P<name>{_HEAD}\d{{1,5}}[A-Za-z]?,? [A-Z][^.;!?\n]{{3,80}})"
    ),
)

_HAN = "\u4e00-\u9fff"
_COUNT = r"[甲乙丙丁附]?(?:\d{1,5}(?:[-之]\d{1,4})?|[一二三四五六七八九十百]{1,4})"
_UNIT = r"(?:号院|号楼|栋|幢|座|塔|单元|室|层|楼|房|弄)"
_BLOCK = r"(?:号院|号楼|栋|幢|座|单元|室|弄|[层楼](?=\d))"  # a floor alone is no address: "广场2层"
_INSIDE = rf"(?:[{_HAN}]{{0,10}}?[0-9A-Za-z]{{1,5}}{_UNIT})*(?:\d{{2,5}}室?)?"
_ROAD = r"(?:路|街|大道|道|巷|胡同|弄|里|村|镇|坊|园区)"
_ESTATE = r"(?:小区|花园|家园|公寓|苑|城|庭|府|新村|大厦|广场|大院|中心|园|里|区|湾)"
CHINESE = re.compile(
    rf"(?:{_ROAD}(?:[东南西北中]段|[东南西北]?[一二三四五六七八九十]+段)?{_COUNT}(?:号(?![线机码])|弄|幢|栋)"
    rf"|{_ESTATE}(?:[一二三四五六七八九十东南西北]+[区期])?(?:\d{{1,5}}|[A-Z]){_BLOCK}){_INSIDE}"
)
CUED = re.compile(
    r"(?:地址|寄到|送到|寄往|送往|家住|住在|搬到)(?:是|为|在)?[:：]?[ ]?"
    rf"(?P<name>[{_HAN}]{{2,12}}?[省市区县州][{_HAN}0-9A-Za-z-]{{1,40}}(?:路|街|道|镇|村|小区|花园|号|室|楼|院|苑)(?![{_HAN}0-9A-Za-z]))"
)
LEFT = re.compile(rf"[{_HAN}]{{1,30}}$")
PROVINCE = re.compile(
    "(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|"
    "云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)(?![东南西北中]?[路街大])"
)
# What comes before an address in a sentence; the address begins behind the last of them.
LEAD = re.compile(
    "地址|收货|寄到|送到|寄往|寄给|寄去|送去|寄|送|住在|家住|住|搬到|搬去|在|是|到|改成|改为|换成|放在|放|给|从|去|往|把|"
    "为|叫|于|的|了|请|我|您|你|家|和|还|就"
)


def find_english(text: str) -> Iterator[Place]:
    for pattern in ENGLISH:
        for match in pattern.finditer(text):
            start, end = match.span("name" if "name" in pattern.groupindex else 0)
            yield start, start + len(text[start:end].rstrip(" ,."))


def find_chinese(text: str) -> Iterator[Place]:
    if text.isascii():
        return
    for match in CHINESE.finditer(text):
        left = LEFT.search(text, max(0, match.start() - 30), match.start())
        if left is not None:
            yield left.start() + len_lead(left.group()), match.end()
    yield from (match.span("name") for match in CUED.finditer(text))


def len_lead(left: str) -> int:
    """How many characters before the address the matched run of Chinese characters has."""
    provinces = [match.start() for match in PROVINCE.finditer(left)]
    if provinces:
        return provinces[-1]
    return max((match.end() for match in LEAD.finditer(left[:-1])), default=0)
