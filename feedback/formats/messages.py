"""Messages as rows of a table, one a row, such as a helpdesk exports as CSV: rows of one conversation are
gathered, wherever in the file they stand.

Columns are known by the names that tools give them, in English and Chinese; `--map` names others. Memory
holds one conversation: the rows wait in a temporary database, which needs no more than the file's size.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby

from feedback.formats.chat import ROLES
from feedback.formats.fields import FieldFault, find_field, find_id, find_objects
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk
from feedback.formats.jsonl import Body, JsonLine
from feedback.formats.times import find_time
from feedback.records.rejections import Refusal

COLUMNS = {
    "conversation": "conversation conversationid ticketid ticket threadid thread chatid sessionid caseid "
    "会话编号 会话id 会话 工单编号 工单号 对话编号 对话id",
    "role": "role authortype sendertype authorrole senderrole sender speaker from "
    "发送方 角色 发言人 发送者 说话人",
    "text": "text message body content messagetext messagebody comment 内容 消息 消息内容 文本 正文",
    "at": "at createdat time timestamp date sentat datetime 时间 发送时间 创建时间 日期",
    "author": "author authorname name sendername 姓名 昵称",
    "rating": "rating satisfaction csat 评分 满意度",
}
KNOWN_NAMES = {name: ours for ours, names in COLUMNS.items() for name in names.split()}
NEEDED = {"conversation", "role", "text"}
SPOKEN_ROLES = {
    **{name: {"user": "customer", "assistant": "bot"}.get(role, "") for name, role in ROLES.items()},
    **dict.fromkeys(("requester", "contact", "visitor", "buyer", "incoming"), "customer"),
    **dict.fromkeys(("客户", "用户", "顾客", "买家", "访客"), "customer"),
    **dict.fromkeys(("agent", "support", "staff", "admin", "operator", "seller", "outgoing"), "agent"),
    **dict.fromkeys(("客服", "坐席", "商家", "卖家"), "agent"),
    **dict.fromkeys(("机器人", "助手"), "bot"),
    "系统": "",
}


def name_columns(row: Body) -> Body:
    """The cells that are known, under our names; the first column of a name counts."""
    named: Body = {}
    for column, cell in row.items():
        ours = KNOWN_NAMES.get(re.sub(r"[\W_]", "", column).lower())
        if ours is not None:
            named.setdefault(ours, cell)
    return named


def recognise_rows(body: Body) -> bool:
    return name_columns(body).keys() >= NEEDED and all(isinstance(cell, str | int) for cell in body.values())


def gather_rows(rows: Iterator[JsonLine]) -> Iterator[JsonLine]:
    """Yields each conversation in the place of its first row; bad rows before them."""
    with closing(sqlite3.connect("")) as database:
        database.execute("CREATE TABLE said (conversation TEXT, line INTEGER, body TEXT)")
        for row in rows:
            named = row.content if isinstance(row.content, Refusal) else name_columns(row.content)
            if isinstance(named, Refusal):
                yield JsonLine(row.number, named)
            elif not named.get("conversation"):
                yield JsonLine(row.number, Refusal("missing_field:conversation", "the row names none"))
            else:
                said = (str(named["conversation"]), row.number, json.dumps(named))
                database.execute("INSERT INTO said VALUES (?, ?, ?)", said)
        database.execute("CREATE INDEX by_conversation ON said (conversation, line)")
        ordered = database.execute(
            "SELECT said.conversation, line, body FROM said JOIN (SELECT conversation, min(line) AS first "
            "FROM said GROUP BY conversation) AS begun ON begun.conversation = said.conversation "
            "ORDER BY first, line"
        )
        for conversation, group in groupby(ordered, key=lambda row: row[0]):
            said_rows = list(group)
            rows_of = [json.loads(body) for _, _, body in said_rows]
            yield JsonLine(said_rows[0][1], {"conversation": conversation, "rows": rows_of})


def read_row_group(body: Body) -> Iterator[Converted]:
    talk = Talk(find_id(body, "conversation"))
    for row in find_objects(body, "rows"):
        named = str(row.get("role", "")).strip().lower()
        if named not in SPOKEN_ROLES:
            raise FieldFault("unknown_role", f"role {named[:40]!r}")
        role = SPOKEN_ROLES[named]
        if not role:
            talk.notes.add("event_left_out")
            continue
        if role == "customer":
            talk.know(find_field(row, "author", str))
        talk.rate(row.get("rating"))
        talk.say(role, str(row.get("text", "")), find_time(row, "at"))
    yield talk.make()


MESSAGES = Format("messages in rows", recognise_rows, read_row_group, "csv", gather_rows)
