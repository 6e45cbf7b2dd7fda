"""What chats in other tools' forms become: conversations of their own or shared ones, and turns."""

from feedback.formats.chat import make_labelled, make_turns
from feedback.formats.messages import name_columns, read_row_group

PROMPT = [{"role": "user", "content": "Where is it?"}]


def test_records_of_one_prompt_share_a_conversation_unless_they_name_their_own():
    first = make_labelled("choice", {"prompt": PROMPT, "picked": [0]})
    second = make_labelled("thumb", {"prompt": PROMPT}, value=1)
    other = make_labelled("choice", {"prompt": [{"role": "user", "content": "Where was it?"}]})
    named = make_labelled("choice", {"prompt": PROMPT}, conversation="c1")
    assert first.body["conversation"] == second.body["conversation"] != other.body["conversation"]
    assert first.body["conversation"].startswith("prompt:")
    assert named.body["conversation"] == "c1"


def test_blank_messages_and_those_of_nobody_who_speaks_are_left_out_and_noted():
    chat = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": " \n"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]
    said = [{"role": "customer", "text": "Hello"}, {"role": "bot", "text": "Hi"}]
    assert make_turns(chat) == (said, ("blank_left_out", "system_left_out"))
    assert make_turns(chat[2:]) == (said, ())


def test_of_two_columns_with_one_meaning_the_first_counts():
    row = {
        "Ticket ID": "7",
        "Sender": "customer",
        "From": "a@example.org",
        "Body": "Hello",
        "Priority": "high",
    }
    assert name_columns(row) == {"conversation": "7", "role": "customer", "text": "Hello"}


def test_a_row_of_nobody_who_speaks_is_left_out_of_its_conversation_and_noted():
    rows = [
        {"role": "系统", "text": "Ada joined"},
        {"role": "customer", "text": "Hello", "author": "Eva"},
        {"role": "agent", "text": "Hi", "author": "Ada"},
    ]
    (made,) = read_row_group({"conversation": "7", "rows": rows})
    assert [turn["text"] for turn in made.body["turns"]] == ["Hello", "Hi"]
    assert "event_left_out" in made.notes
    (quiet,) = read_row_group({"conversation": "7", "rows": rows[1:]})
    assert "event_left_out" not in quiet.notes
