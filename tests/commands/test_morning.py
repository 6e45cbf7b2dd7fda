"""Today, the run report, its call, its webhook and two commands say one and the same sentence."""

import html
import json
import re
from pathlib import Path

import pytest

from commands.frame import Frame
from feedback.app import create_app
from feedback.clock import SystemClock
from feedback.settings import FeedbackSettings
from feedback.store import users
from feedback.store.engine import open_engine, unit_of_work
from tests.commands.conftest import Call
from tests.feedback.builders import DESK
from tests.feedback.drift.days import fill_days
from tests.feedback.run_report.runs import add_ended_run
from trainer.context import open_context
from trainer.jobs.webhook import make_message

KEY = "k" * 40


def read_part(page: str) -> list[str]:
    """The sentence and what to do, as a page shows them."""
    part = page.split('data-part="morning"')[1].split("</section>")[0].partition(">")[2]
    shown = re.findall(r"<p[^>]*>(.*?)</p>", part, re.DOTALL)[:2]
    return [html.unescape(re.sub("<code>|</code>", "`", text)) for text in shown]


@pytest.mark.parametrize("outcome", ["published", "refused", "failed"])
def test_everything_says_the_same(call: Call, store: Path, outcome: str) -> None:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    run_id = add_ended_run(engine, outcome)
    with unit_of_work(engine) as session:
        now = SystemClock().now()
        token = users.create_token(session, desk_id=DESK, name="eva", role="expert", now=now)
    app = create_app(
        FeedbackSettings(data_dir=store, secret_key=KEY),
        store_engine=engine,
        clock=SystemClock(),
        outlook=Frame(store, None).outlook(),
    )

    def get(path: str, language: str = "en") -> str:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        answer = app.test_client().get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    with open_context(store, None) as ctx:
        sent = make_message(ctx, run_id)["data"]["morning"]
    told = [sent["text"], sent["action"]["text"]]
    assert all(told)
    for path in ("/console", f"/console/runs/{run_id}/report"):
        page = get(path)
        assert "`" not in page
        assert [re.sub("</?strong>", "", text) for text in read_part(page)] == told
        chinese = read_part(get(path, "zh"))
        assert all(re.search("[一-鿿]", text) for text in chinese) and "%(" not in "".join(chinese)
    asked = json.loads(get(f"/v1/runs/{run_id}/report"))["morning"]
    reported = json.loads(call("report", "--json").output)["morning"]
    status = json.loads(call("status", "--json").output)["morning"]
    assert asked == reported == status == sent
    for command in ("report", "status"):
        lines = call(command).output.splitlines()
        assert lines[:2] == [f"now        {told[0]}", f"next       {told[1]}"]
    engine.dispose()


def test_everything_tells_the_same_alarms(call: Call, store: Path) -> None:
    engine, now = open_engine(f"sqlite:///{store / 'rejoinder.db'}"), SystemClock().now()
    run_id = add_ended_run(engine, "skipped")
    fill_days(engine, now.replace(hour=0, minute=0, second=0, microsecond=0), shifted=5)
    with open_context(store, None) as ctx:
        sent = make_message(ctx, run_id)["data"]["drift"]
    told = [line for alarm in sent["alarms"] for line in (alarm["text"], alarm["action"]["text"])]
    assert len(sent["alarms"]) == 6 and sent["too_early"] == []
    reported = json.loads(call("report", "--json").output)["drift"]
    status = json.loads(call("status", "--json").output)["drift"]
    assert sent == reported == status
    for command in ("report", "status"):
        lines = call(command).output.splitlines()
        assert [line.partition("drift      ")[2] for line in lines if line.startswith("drift")] == told
    engine.dispose()
