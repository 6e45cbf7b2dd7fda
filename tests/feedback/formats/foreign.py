"""A record of every other tool, written by us."""

import json

ASKED = {"role": "user", "content": "Where is my order?"}
GOOD = {"role": "assistant", "content": "It left our warehouse today."}
BAD = {"role": "assistant", "content": "No idea, ask somebody else."}
TWO = [{"text": GOOD["content"]}, {"text": BAD["content"]}]
HUMAN = {"from": "human", "value": ASKED["content"]}
SAID = [{"role": "customer", "text": ASKED["content"]}, {"role": "agent", "text": GOOD["content"]}]
NOON = 1763640000  # 2025-11-20 12:00 UTC
BY_BOT = [SAID[0], SAID[1] | {"role": "bot"}]
TIMED = [turn | {"ts": NOON + 60.0 * number} for number, turn in enumerate(SAID)]
TIMED_BY_BOT = [TIMED[0], TIMED[1] | {"role": "bot"}]
PAIR = {"prompt": [ASKED], "chosen": [GOOD], "rejected": [BAD]}
CHOICE = {"prompt": [ASKED], "candidates": TWO, "picked": [0]}
UP = {"prompt": [ASKED], "completion": [GOOD], "label": True}


def without(record, name):
    return {key: value for key, value in record.items() if key != name}


def chat_of(*replies):
    return [ASKED, *replies]


STATE = {
    "roles": ["Human", "Assistant"],
    "messages": [["Human", ASKED["content"]], ["Assistant", GOOD["content"]]],
    "conv_id": "c1",
}
OTHER_STATE = STATE | {
    "messages": [["Human", ASKED["content"]], ["Assistant", BAD["content"]]],
    "conv_id": "c2",
}
VOTE = {"tstamp": NOON, "type": "leftvote", "states": [STATE, OTHER_STATE]}
BATTLE = {
    "question_id": "q1",
    "conversation_a": chat_of(GOOD),
    "conversation_b": chat_of(BAD),
    "winner": "model_a",
    "judge": 7,
}
RATING = {
    "id": "r1",
    "data": {"rating": 1, "comment": "clear"},
    "meta": {"message_id": "m2", "chat_id": "k1"},
    "snapshot": {
        "chat": {
            "history": {
                "messages": {
                    "m1": ASKED | {"parentId": None},
                    "m2": GOOD | {"parentId": "m1"},
                    "m3": BAD | {"parentId": "m1"},
                }
            }
        }
    },
}
SCORE = {
    "id": "s1",
    "traceId": "t1",
    "name": "thumb",
    "dataType": "NUMERIC",
    "value": 1.0,
    "trace": {"input": {"messages": [ASKED]}, "output": GOOD},
}
ANSWERS = {"id": 5, "fields": {"prompt": ASKED["content"], "a": GOOD["content"], "b": BAD["content"]}}
ANSWERED = ANSWERS | {"responses": {"best": [{"value": "a", "user_id": "u1"}]}}
TASK = {
    "id": 3,
    "data": {"question": ASKED["content"], "one": GOOD["content"], "two": BAD["content"]},
    "annotations": [
        {
            "id": 9,
            "completed_by": {"id": 4},
            "result": [{"type": "pairwise", "to_name": "one,two", "value": {"selected": "left"}}],
        }
    ],
}
TICKET = {
    "id": 12,
    "requester_id": 1,
    "submitter_id": 1,
    "description": ASKED["content"],
    "tags": ["parcel"],
    "via": {"source": {"from": {"name": "Ann Example"}}},
    "satisfaction_rating": {"score": "good"},
    "comments": [
        {
            "id": 1,
            "author_id": 1,
            "body": ASKED["content"],
            "public": True,
            "created_at": "2025-11-20T12:00:00Z",
        },
        {
            "id": 2,
            "author_id": 2,
            "body": "Who takes this?",
            "public": False,
            "created_at": "2025-11-20T12:00:30Z",
        },
        {
            "id": 3,
            "author_id": 2,
            "body": GOOD["content"],
            "public": True,
            "created_at": "2025-11-20T12:01:00Z",
        },
    ],
}
FRESH = {
    "id": 20,
    "requester_id": 1,
    "responder_id": 2,
    "description": f"<p>{ASKED['content']}</p>",
    "created_at": "2025-11-20T12:00:00Z",
    "conversations": [
        {"body": f"<div>{GOOD['content']}</div>", "incoming": False, "created_at": "2025-11-20T12:01:00Z"},
        {
            "body_text": "Ours to pay?",
            "incoming": True,
            "private": True,
            "created_at": "2025-11-20T12:02:00Z",
        },
    ],
}
TALK = {
    "id": "77",
    "created_at": NOON,
    "source": {
        "body": f"<p>{ASKED['content']}</p>",
        "author": {"type": "lead", "id": "u1", "name": "Ann Example"},
    },
    "conversation_parts": {
        "conversation_parts": [
            {"part_type": "assignment", "body": None, "created_at": NOON + 1, "author": {"type": "admin"}},
            {"part_type": "note", "body": "a note", "created_at": NOON + 2, "author": {"type": "admin"}},
            {
                "part_type": "comment",
                "body": GOOD["content"],
                "created_at": NOON + 60,
                "author": {"type": "bot"},
            },
        ]
    },
    "conversation_rating": {"rating": 4},
}
WOOT = {
    "id": 401,
    "labels": ["parcel"],
    "messages": [
        {
            "message_type": 0,
            "content": ASKED["content"],
            "created_at": NOON,
            "sender": {"id": 9, "name": "Ann Example"},
        },
        {"message_type": 2, "content": "Agent joined", "created_at": NOON + 1},
        {
            "message_type": "outgoing",
            "content": GOOD["content"],
            "created_at": NOON + 60,
            "sender": {"id": 2, "type": "user"},
        },
    ],
}
DIALOGUE = {
    "DialogueID": 8,
    "Scenario": {"Domains": ["bank"]},
    "Events": [
        {"Agent": "User", "Action": "utter", "Text": ASKED["content"], "UnixTime": NOON},
        {"Agent": "Wizard", "Action": "request_suggestions", "Text": "it left", "UnixTime": NOON + 30},
        {"Agent": "Wizard", "Action": "pick_suggestion", "Text": GOOD["content"], "UnixTime": NOON + 60},
    ],
}
SHOP = {
    "convo_id": 4,
    "scenario": {"personal": {"customer_name": "Ann Example"}, "flow": "shipping"},
    "original": [["customer", ASKED["content"]], ["action", "searched"], ["agent", GOOD["content"]]],
}
REWARD = {
    "conversation_id": "d1",
    "context": json.dumps([{"role": "user", "text": ASKED["content"]}]),
    "generation": json.dumps({"role": "agent", "text": GOOD["content"]}),
    "reward": 1.0,
}
