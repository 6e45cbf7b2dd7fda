"""Templates that print today's date, told which day it is by the argument `date_string`.

Some take that argument already. For the others the call of `strftime_now` is answered by a macro in front of
the template: the own engine is started with that text and the trainer renders it, so that a prompt is the
same on whatever day it is rendered. Renders nothing itself.
"""

import re
from datetime import date

ARGUMENT = "date_string"
_CALL = re.compile(r"""strftime_now\(\s*(["'])([^"']+)\1""")
_MACRO = (
    "{{%- set rejoinder_clock = strftime_now -%}}{{%- macro strftime_now(format) -%}}"
    "{{{{ {argument} if {argument} is defined and format == {format!r} else rejoinder_clock(format) }}}}"
    "{{%- endmacro -%}}"
)


def name_day(template: str, day: date) -> dict[str, str]:
    """The argument that names the day to a template, in the first form that it prints dates in; empty if it
    prints none.
    """
    found = _CALL.search(template)
    return {ARGUMENT: day.strftime(found[2])} if found else {}


def take_day(template: str) -> str | None:
    """The template that takes the day as an argument; None for one that prints no date or takes it anyway.

    A second form of the date, such as the time of day, is still that of the clock.
    """
    found = _CALL.search(template)
    if found is None or ARGUMENT in template:
        return None
    return _MACRO.format(argument=ARGUMENT, format=found[2]) + template
