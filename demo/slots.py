"""The items a dialogue can name (order numbers, products, people, cities, times), and how to find them in
text.

The lists are closed, so that a small model can learn to copy each item as one or two tokens. Nothing here
knows about intents or replies.
"""

import random
import re
import zlib
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
HELD_OUT_SHARE = (
    10  # one in ten order numbers, product and intent couples, and phrasings never reaches training
)

COPIED = ("order", "product", "name", "city")  # slots whose value must come from the customer

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
ORDER_PREFIXES: tuple[str, ...] = tuple(
    _LETTERS[(7 * i + 3 * (i // 24)) % 24] + _LETTERS[(11 * i + 5 + i // 24) % 24] for i in range(64)
)

PRODUCTS: Mapping[Language, tuple[str, ...]] = {
    "en": tuple(
        "kettle|toaster|blender|coffee maker|rice cooker|air fryer|desk lamp|floor lamp|desk chair|"
        "bookshelf|sofa|mattress|pillow|blanket|rug|curtain|mirror|wall clock|vacuum cleaner|"
        "hair dryer|electric toothbrush|razor|headset|speaker|keyboard|mouse pad|monitor|webcam|"
        "printer|router|tablet|phone case|power bank|charger|smart watch|camera|tripod|drone|guitar|"
        "piano stool|yoga mat|dumbbell|treadmill|bicycle|helmet|backpack|suitcase|wallet|handbag|"
        "umbrella|raincoat|jacket|sweater|shirt|dress|scarf|hat|belt|tent|sleeping bag|lantern|"
        "cooler|water bottle|lunch box|frying pan|knife set|teapot|wine rack|garden hose|lawn mower|"
        "drill|toolbox".split("|")
    ),
    "zh": tuple(
        "电热水壶|烤面包机|榨汁机|咖啡机|电饭煲|空气炸锅|台灯|落地灯|办公椅|书架|沙发|床垫|枕头|毛毯|地毯|窗帘|"
        "镜子|挂钟|吸尘器|吹风机|电动牙刷|剃须刀|耳机|音箱|键盘|鼠标|显示器|摄像头|打印机|路由器|平板电脑|手机壳|"
        "充电宝|充电器|智能手表|相机|三脚架|无人机|吉他|钢琴凳|瑜伽垫|哑铃|跑步机|自行车|头盔|双肩包|行李箱|钱包|"
        "手提包|雨伞|雨衣|夹克|毛衣|衬衫|连衣裙|围巾|帽子|皮带|帐篷|睡袋|露营灯|冰桶|保温杯|饭盒|平底锅|刀具|"
        "茶壶|酒架|水管|割草机|电钻|工具箱".split("|")
    ),
}
NAMES: Mapping[Language, tuple[str, ...]] = {
    "en": tuple(
        "Anna|Ben|Carla|David|Elena|Frank|Grace|Henry|Irene|James|Karen|Leo|Maria|Nathan|Olivia|Peter|Quinn|Rachel|"
        "Samuel|Tina|Ursula|Victor|Wendy|Xavier|Yvonne|Zach|Amir|Bella|Chloe|Dylan|Emma|Felix|Hannah|Ivan|Julia|"
        "Kevin|Laura|Martin|Nina|Oscar".split("|")
    ),
    "zh": tuple(
        f"{family}{title}"
        for title in ("女士", "先生")
        for family in "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
    ),
}
CITIES: Mapping[Language, tuple[str, ...]] = {
    "en": tuple(
        "London|Paris|Berlin|Madrid|Rome|Vienna|Dublin|Lisbon|Oslo|Stockholm|Helsinki|Warsaw|Prague|Athens|Zurich|"
        "Boston|Chicago|Denver|Seattle|Austin|Dallas|Miami|Toronto|Montreal|Sydney|Melbourne|Auckland|Singapore|"
        "Leeds|Bristol|Lyon|Hamburg|Munich|Milan|Naples|Porto".split("|")
    ),
    "zh": tuple(
        "北京|上海|广州|深圳|杭州|南京|苏州|成都|重庆|武汉|西安|天津|青岛|大连|厦门|福州|长沙|郑州|合肥|昆明|贵阳|"
        "南宁|沈阳|哈尔滨|济南|无锡|宁波|东莞|佛山|珠海|兰州|太原|石家庄|南昌|海口|温州".split("|")
    ),
}
DAYS: Mapping[Language, tuple[str, ...]] = {
    "en": ("2 days", "3 days", "5 days", "7 days"),
    "zh": ("2天", "3天", "5天", "7天"),
}
WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "zh": ("周一", "周二", "周三", "周四", "周五"),
}
_ORDER = r"(?<![A-Za-z0-9-])(?:[A-Za-z]{2}-\d{3}|\d{4,8})(?![A-Za-z0-9-])"


def is_held_out(key: str) -> bool:
    """True for a fixed tenth of the keys, chosen by a hash, that training never sees."""
    return zlib.crc32(key.encode()) % HELD_OUT_SHARE == 0


def draw_order(rng: random.Random, *, held_out: bool) -> str:
    """A random order number for training or held out; some have unusual letters or only digits."""
    while True:
        form = rng.random()
        if form < 0.08:
            order = str(rng.randrange(10_000, 1_000_000))
        elif form < 0.16:
            order = f"{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}-{rng.randrange(1000):03d}"
        else:
            order = f"{rng.choice(ORDER_PREFIXES)}-{rng.randrange(1000):03d}"
        if is_held_out(order) == held_out:
            return order


def inventory(slot: str, language: Language) -> tuple[str, ...]:
    """All values of a closed slot; order numbers are not a closed slot."""
    return {"product": PRODUCTS, "name": NAMES, "city": CITIES, "days": DAYS, "day": WEEKDAYS}[slot][language]


@cache
def _finder(language: Language, fold: bool) -> re.Pattern[str]:
    groups = [f"(?P<order>{_ORDER})"]
    for slot in ("product", "name", "city", "days", "day"):
        longest_first = sorted(inventory(slot, language), key=len, reverse=True)
        values = "|".join(map(re.escape, longest_first))
        edge = r"\b" if language == "en" else ""
        groups.append(f"(?P<{slot}>{edge}(?:{values}){edge})")
    return re.compile("|".join(groups), re.IGNORECASE if fold else 0)


@lru_cache(maxsize=4096)  # the same few prompts are read for every reply to them
def mask(text: str, language: Language, *, fold: bool = False) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with every slot value replaced by `<slot>`, and the (slot, value) pairs in order."""
    found: list[tuple[str, str]] = []

    def note(match: re.Match[str]) -> str:
        slot = str(match.lastgroup)
        found.append((slot, match.group()))
        return f"<{slot}>"

    masked = _finder(language, fold).sub(note, text)
    return masked, tuple(found)


def detect_language(text: str) -> Language:
    """Chinese if Chinese characters outnumber Latin words; a bare order number counts as English."""
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    words = len(re.findall(r"[A-Za-z]{2,}(?!-)", text))
    return "zh" if han > words else "en"
