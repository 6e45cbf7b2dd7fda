"""Which templates are told the day, and that nothing else of them changes."""

from datetime import UTC, date, datetime

import pytest

from serving.dated_template import name_day, take_day
from serving.facts.template import ChatTemplate

DAY = date(2026, 11, 5)
NOW = datetime(2031, 3, 2, 9, 7, tzinfo=UTC)
SMOLLM3 = "{%- set today = strftime_now(\"%d %B %Y\") -%}\n{{ 'Today Date: ' ~ today }}\n"
GRANITE = "{% if messages %}{{ \"Today's Date: \" + strftime_now('%B %d, %Y') + '.' }}{% endif %}"
GUARDED = "{% if strftime_now is defined %}{{ strftime_now('%Y-%m-%d') }}{% else %}no clock{% endif %}"
CLOCK = "{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%H:%M') }}"


@pytest.mark.parametrize(
    ("template", "told", "now"),
    [
        (SMOLLM3, "Today Date: 05 November 2026", "Today Date: 02 March 2031"),
        (GRANITE, "Today's Date: November 05, 2026.", "Today's Date: March 02, 2031."),
        (GUARDED, "2026-11-05", "2031-03-02"),
        (CLOCK, "2026-11-05 09:07", "2031-03-02 09:07"),
    ],
)
def test_a_template_prints_the_day_that_it_is_told(template, told, now):
    text = take_day(template)
    assert text is not None

    def render(text, **arguments):
        return ChatTemplate(text, {}).render([{"role": "user", "content": "hi"}], now=NOW, **arguments)

    assert render(text, **name_day(template, DAY)) == told
    assert render(text) == now == render(template)


def test_a_template_that_takes_the_day_or_prints_none_stays_as_it_is():
    assert take_day("{{ date_string or strftime_now('%d %b %Y') }}") is None
    assert name_day("{{ date_string or strftime_now('%d %b %Y') }}", DAY) == {"date_string": "05 Nov 2026"}
    assert take_day("{{ messages[0].content }}") is None
    assert name_day("{{ messages[0].content }}", DAY) == {}
