"""STAR: dialogues of a customer and a wizard with all events. What was said or picked is a message, and what
was picked nobody wrote; which other suggestions stood beside it is known by their labels only, so no choice
follows.
"""

from collections.abc import Iterator

from feedback.formats.fields import find_field, find_id, find_objects, find_texts, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk, clean_tags
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

SPEAKERS = {
    ("User", "utter"): "customer",
    ("Wizard", "utter"): "agent",
    ("Wizard", "pick_suggestion"): "bot",
}


def recognise_star(body: Body) -> bool:
    return has_fields(body, "DialogueID Events")


def read_star(body: Body) -> Iterator[Converted]:
    talk = Talk(f"star-{find_id(body, 'DialogueID')}", clean_tags(find_texts(body, "Scenario.Domains")))
    talk.customer_id = find_id(body, "AnonymizedUserWorkerID")
    for event in find_objects(body, "Events"):
        speaker = (find_field(event, "Agent", str) or "", find_field(event, "Action", str) or "")
        if speaker in SPEAKERS:
            talk.say(SPEAKERS[speaker], take_field(event, "Text", str), find_time(event, "UnixTime"))
        else:
            talk.notes.add("event_left_out")
    yield talk.make(language="en")


STAR = Format("STAR dialogues", recognise_star, read_star, "star")
