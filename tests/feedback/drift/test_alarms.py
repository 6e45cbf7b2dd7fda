"""What is watched, what of it is told, and each alarm word for word."""

from datetime import UTC, datetime

from commands.shifts import LIVE, SHIFTS
from feedback.drift.alarms import CODES, DriftWatch
from feedback.drift.shift import DAYS, hit
from feedback.drift.watched import QUANTITIES, Watched, find_shifts, list_too_early

QUIET = [hit(40, 10)] * DAYS
SINCE = datetime(2026, 11, 24, tzinfo=UTC)


def jump(before, now, days=7):
    return [hit(40, before)] * (DAYS - days) + [hit(40, now)] * days


def told(name):
    return SHIFTS[name]


def test_each_shift_has_its_sentence_and_its_rows():
    assert {(each.said.code, each.said.action.code) for each in SHIFTS.values()} == set(CODES.values())
    assert {name for name, _rose in CODES} == set(QUANTITIES)
    language = told("a language comes up")
    assert language.to_json()["text"] == (
        "Since 24 Nov, customers write Chinese in 24 % of conversations, "
        "after 5.2 % in the four weeks before."
    )
    assert language.rows == {"language": "zh", "since": SINCE}
    assert language.to_json()["rows"] == {"language": "zh", "since": "2026-11-24T00:00:00+00:00"}
    assert language.to_json()["values"]["since"] == "2026-11-24"
    fell = told("agents prefer the adapter less")
    assert fell.to_json()["text"] == (
        f"Since 22 Nov, {LIVE} gets 54 % of the picks, after 65 % in the four weeks before."
    )
    assert (fell.rows["verdict"], fell.rows["version"], fell.said.tone) == ("base", LIVE, "warn")
    assert told("agents prefer the adapter more").rows["verdict"] == "tuned"
    assert told("replies are longer").to_json()["text"] == (
        "Since 26 Nov, replies are 411 characters long on average, after 290 in the four weeks before."
    )
    assert told("more thumbs down").to_json()["text"] == (
        "Since 24 Nov, 20 % of thumbs are down, after 9.8 % in the four weeks before."
    )
    assert told("a tag comes up").to_json()["text"] == (
        "Since 27 Nov, 18 % of conversations have the tag “recall”, after 0 % in the four weeks before."
    )
    assert told("a tag is missing").rows["tag"] == "recall"
    for alarm in SHIFTS.values():
        text = alarm.to_json()["text"]
        assert text.endswith(".") and ". " not in text and "%(" not in text and len(text) < 150


def test_all_alarms_together_are_good_only_where_each_is():
    better, worse = told("fewer thumbs down"), told("more thumbs down")
    assert (DriftWatch((better,)).tone, DriftWatch((better, worse)).tone, DriftWatch((worse,)).tone) == (
        "good",
        "warn",
        "warn",
    )


def test_of_two_languages_the_one_that_rose_is_told():
    watched = [Watched("language", jump(38, 20), "en"), Watched("language", jump(2, 20), "zh")]
    assert [found.watched.member for found in find_shifts(watched)] == ["zh"]
    assert [found.watched.member for found in find_shifts(watched[:1])] == ["en"]


def test_each_quantity_is_told_for_itself():
    watched = [
        Watched("thumbs", jump(4, 20)),
        Watched("support", QUIET, "a"),
        Watched("tag", jump(4, 20), "vip"),
    ]
    assert [found.watched.name for found in find_shifts(watched)] == ["thumbs", "tag"]


def test_the_more_is_watched_the_surer_a_shift_has_to_be():
    """12 of 40 instead of 8: p of about 0.0003 alone, and a twelfth of the chance among twelve tags."""
    one = Watched("tag", jump(8, 13), "vip")
    quiet = [Watched("tag", QUIET, str(number)) for number in range(11)]
    assert len(find_shifts([one])) == 1 and find_shifts([one, *quiet]) == []


def test_what_cannot_be_told_yet_is_named_in_order():
    watched = [Watched("tag", QUIET, "vip"), Watched("thumbs", [hit(1, 0)] * DAYS)]
    assert list_too_early(watched) == ["support", "thumbs", "replies", "customers", "language"]
    assert list_too_early([]) == list(QUANTITIES)
