"""`rejoinder advise` says what the calls, the report and the pages say."""

import html
import json
import re
from pathlib import Path

from commands.frame import Frame
from feedback.app import create_app
from feedback.clock import SystemClock
from feedback.settings import FeedbackSettings
from feedback.store import users
from feedback.store.engine import open_engine, unit_of_work
from tests.commands.conftest import Call
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.pick_rows import add_picks
from tests.feedback.run_report.runs import ADAPTER, add_ended_run
from trainer.context import open_context
from trainer.jobs.webhook import make_message


def read_part(page: str) -> str:
    part = page.split('data-part="advice"')[1].split("</section>")[0]
    found = re.search(r'<p class="sentence">(.*?)</p>', part, re.DOTALL)
    assert found is not None
    return html.unescape(re.sub("</?code>", "`", found[1]))


def test_everything_gives_the_same_advice(call: Call, store: Path) -> None:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    add_picks(engine, ADAPTER, tuned=6, base=4, at=START)
    run_id = add_ended_run(engine, "refused")
    with unit_of_work(engine) as session:
        now = SystemClock().now()
        token = users.create_token(session, desk_id=DESK, name="eva", role="expert", now=now)
    app = create_app(
        FeedbackSettings(data_dir=store, secret_key="k" * 40),
        store_engine=engine,
        clock=SystemClock(),
        outlook=Frame(store, None).outlook(),
    )

    def get(path: str, language: str = "en") -> str:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        answer = app.test_client().get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    told = json.loads(call("advise", "--json").output)
    assert (told["what"], told["figures"]["usable"]) == ("collect", 40)
    assert json.loads(get("/v1/advice")) == told
    of_run = json.loads(call("advise", run_id, "--json").output)
    assert of_run == json.loads(call("advise", "latest", "--json").output)
    assert of_run == json.loads(get(f"/v1/runs/{run_id}/advice"))
    with open_context(store, None) as ctx:
        sent = make_message(ctx, run_id)["data"]
    reported = json.loads(call("report", "--json").output)
    for report in (sent, reported, json.loads(get(f"/v1/runs/{run_id}/report"))):
        assert (report["advice"], report["run_advice"]) == (told, of_run)
    for path in ("/console", f"/console/runs/{run_id}/report"):
        assert read_part(get(path)) == told["text"]
        chinese = read_part(get(path, "zh"))
        assert "还差 960 条" in chinese and "%(" not in chinese
    assert f"advice     {told['text']}" in call("report").output.splitlines()
    lines = call("advise").output.splitlines()
    assert (lines[0], lines[-1]) == (told["text"], f"next: {told['command']}")
    assert "  usable               40" in lines
    engine.dispose()


def test_a_run_that_is_not_there_is_wrong_use(call: Call, store: Path) -> None:
    assert call("advise", "latest").exit_code == 3
    wrong = call("advise", "no-such-run")
    assert wrong.exit_code == 2 and "No run has the id 'no-such-run'" in wrong.output
