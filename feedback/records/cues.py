"""Cue words beside a number that say what it is: an order, a phone, a card, an identity, a passport, a plate,
a messenger.

The rules that use them (`numbers.py`, `handles.py`, `personal.py`) say which cue makes which number count.
"""

import re

_GAP = r"(?:[^\d+(\n.!?。！？;；]|(?<=no)\.|(?<=nr)\.|(?<=tel)\.){0,14}$"  # words of the same sentence
BEFORE = 40  # signs looked at before a number
# Ends just before a number that is the shop's, not the person's.
ORDER = re.compile(
    r"(?:orders?|ticket|tracking|parcel|invoice|booking|reservation|reference|ref|case|shipment|consignment|"
    r"delivery note|transaction|contract|claim|voucher|confirmation|return|rma|job|article|item|serial|"
    r"customer|member(?:ship)?|policy|"
    r"订单|单号|运单|快递|工单|预订|发票|流水|交易|包裹|合同|票号|编号|兑换码|取件码|提货码|会员|条形码|书号|货号|序列号|保单)"
    r"(?:[ ]?(?:number|numbers|no\.?|id|code|编号|代码|号码?|单号|尾号))?"
    r"[ ]?(?:is|was|are|是|为)?[ ]?[:：#№(（]?[ ]?$",
    re.IGNORECASE,
)
PHONE = re.compile(
    r"(?:phone|mobile|cell|landline|tel(?:ephone)?|whats ?app|ring(?: me)?|(?:call|text|reach|dial)(?:ed)?"
    r"(?: me| us)?(?: (?:at|on|under))?|电话|手机|座机|固话|联系方式|号码|拨打?|致电)" + _GAP,
    re.IGNORECASE,
)
CARD = re.compile(
    r"(?:\b(?:card|visa|mastercard|amex|jcb|diners|discover)|卡|账户|账号|农行|工行|建行|招行|中行)" + _GAP,
    re.IGNORECASE,
)
CARD_NUMBER = re.compile(r"(?:card (?:number|no\.?)|卡号)[ ]?(?:is|是|为)?[ ]?[:：]?[ ]?$", re.IGNORECASE)
IDENTITY = re.compile(
    r"(?:\bssn\b|social security|identity|national id|\bid\b|national insurance|\bni number|\bnino\b|"
    r"身份证|证件|居民证)" + _GAP,
    re.IGNORECASE,
)


def read_before(text: str, start: int) -> str:
    return text[max(0, start - BEFORE) : start]


def says(cue: re.Pattern[str], text: str, start: int) -> bool:
    """Whether a cue word stands just before the position `start` of the text."""
    return bool(cue.search(read_before(text, start)))
