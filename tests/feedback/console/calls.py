"""The forms that console.js sends as calls: where they stand in the templates, and a call of each to send."""

import json
import re
from datetime import timedelta
from typing import Any

from feedback import translations
from feedback.store import dataset_jobs
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, DatasetJob
from feedback.web.services import EXTENSION
from tests.databases import START
from tests.feedback.console.scene import Scene
from tests.feedback.duels.duel_desk import put_duel
from tests.feedback.formats.files import bring_in, choice, write
from tests.feedback.imports.sending import send_file, wait_for_imports
from tests.feedback.labelling.label_rows import add_item, add_labelled, add_task
from tests.feedback.plant import ONE, TWO, stage

Call = tuple[
    str, dict[str, Any], int | str
]  # where it goes, what it says, and what the second one is answered


def list_calls(scene: Scene) -> dict[str, Call]:
    """The calls of each form that console.js sends, with < > for a name or an id; in round brackets those of
    a form that sends several.
    """
    return {
        **list_calls_of_adapters(scene),
        **list_calls_of_tags(scene),
        **list_calls_of_imports(scene),
        **list_calls_of_tasks(scene),
        **list_calls_of_datasets(scene),
        **list_calls_of_campaigns(scene),
        "/v1/runs": ("/v1/runs", {}, 202),
        "/v1/sources": ("/v1/sources", {"name": "star"}, 201),
        "/v1/sources/<>/state": ("/v1/sources/star/state", {"state": "paused", "reason": "r"}, 200),
        "/v1/sources/<>/grade": ("/v1/sources/star/grade", {"grade": "C", "reason": "r"}, 200),
    }


def list_calls_of_adapters(scene: Scene) -> dict[str, Call]:
    data_dir = scene.plant.ctx.data_dir
    duel, _ = put_duel(scene.desk.engine, data_dir / "duels")  # with the row of ONE
    stage(data_dir, ONE)
    scene.plant.add(TWO)
    scene.plant.publish(TWO)
    return {
        "/v1/adapters/<>/approve": (f"/v1/adapters/{ONE}/approve", {}, 200),
        "/v1/adapters/<>/promote": (f"/v1/adapters/{ONE}/promote", {"reason": "good"}, 200),
        "/v1/rollback": ("/v1/rollback", {"reason": "rude", "adapter": ONE}, 200),
        "/v1/adapters/<>/veto": (f"/v1/adapters/{TWO}/veto", {"reason": "curt"}, 200),
        "/v1/duels/<>/close": (f"/v1/duels/{duel}/close", {}, "duel_over"),  # the page is loaded again
        "/v1/adapters/<>/scores": (
            "/v1/adapters/tuned-20261122-7/scores",
            {"prompts": 1},
            "adapter_not_found",
        ),
        "/v1/duels": ("/v1/duels", {"adapter": "tuned-20261122-7", "wanted": 1}, "adapter_not_found"),
    }


def list_calls_of_tags(scene: Scene) -> dict[str, Call]:
    made = {
        tag: scene.desk.post("/v1/tags", "admin", tag=tag).json
        for tag in ("orders", "gift", "old", "billing")
    }
    orders, gift, old, billing = made.values()
    path = f"/v1/tags/{orders['tag_id']}"
    return {
        "/v1/tags": ("/v1/tags", {"tag": "returns"}, "tag_taken"),
        "/v1/tags/<>/rename": (f"{path}/rename", {"name": "order"}, 201),
        "/v1/tags/<>/move": (f"{path}/move", {"parent": gift["tag_id"]}, 201),
        "/v1/tags/<>/retire": (f"{path}/retire", {}, "tag_state"),
        "/v1/tags/<>/restore": (f"{path}/restore", {}, "tag_state"),
        "/v1/tags/<>/merge": (f"/v1/tags/{old['tag_id']}/merge", {"into": gift["tag_id"]}, "tag_state"),
        "/v1/tag-changes/<>/undo": (f"/v1/tag-changes/{billing['change_id']}/undo", {}, "tag_changed"),
        "/v1/tag-adoptions": ("/v1/tag-adoptions", {}, 201),
    }


def list_calls_of_imports(scene: Scene) -> dict[str, Call]:
    told = json.dumps({"id": "a-1", "prompt": [{"role": "user", "content": "Hi"}], "colour": "red"}).encode()
    looked_at, stopped, done = (send_file(scene.desk, told) for _ in range(3))
    scene.desk.post(f"/v1/imports/{done}/start", "admin")
    wait_for_imports(scene.desk)
    return {
        "/v1/imports/<>/start": (f"/v1/imports/{looked_at}/start", {}, "import_state"),
        "/v1/imports/<>/cancel": (f"/v1/imports/{stopped}/cancel", {}, "import_state"),
        "/v1/imports/<>/undo": (f"/v1/imports/{done}/undo", {}, "import_state"),
    }


def list_calls_of_tasks(scene: Scene) -> dict[str, Call]:
    with unit_of_work(scene.desk.engine) as session:
        task = add_task(session)
        add_labelled(session, task, "aa")
        disputed = add_item(session, task, 2, state="disputed", tier=2).id
        path = f"/v1/tasks/{task.id}"
    ann, why = "/v1/labellers/ann", {"reason": "guesses", "kind": "compare"}
    return {
        "/v1/tasks": ("/v1/tasks", {"name": "Replies about orders", "kind": "rate"}, 201),
        "/v1/tasks/<>/items": (f"{path}/items", {"selection": {}, "limit": 10}, 201),
        "/v1/tasks/<>/guideline": (f"{path}/guideline", {"guideline": "Short ones."}, 200),
        "/v1/tasks/<>/checks": (f"{path}/checks", {"audience": "expert", "n": 1}, 201),
        "/v1/items/<>/adjudication": (
            *(f"/v1/items/{disputed}/adjudication", {"value": {"side": "a"}}, "item_not_disputed"),
        ),
        "/v1/tasks/<>/state": (f"{path}/state", {"state": "paused"}, 200),
        "(open)": (f"{path}/state", {"state": "open"}, 200),
        "(close)": (f"{path}/state", {"state": "closed"}, 200),
        "/v1/labellers/<>/<>": (f"{ann}/pause", why, 200),
        "(resume)": (f"{ann}/resume", why, 200),
        "(exclude)": (f"{ann}/exclude", why, 200),
        "(include)": (f"{ann}/include", why, 200),
    }


def list_calls_of_datasets(scene: Scene) -> dict[str, Call]:
    choices = [choice(number) for number in range(12)]
    bring_in(scene.desk.engine, write(scene.plant.ctx.data_dir / "lines.jsonl", *choices))
    scene.desk.post("/v1/datasets", "admin")
    scene.desk.app.extensions[EXTENSION].datasets.wait()
    dataset = scene.desk.row(DatasetJob, kind=dataset_jobs.BUILD).dataset_id
    with unit_of_work(scene.desk.engine) as session:  # nobody begins this one
        waiting = dataset_jobs.add_build(
            session, desk_id=DEFAULT_DESK, selection={}, note=None, actor="ada", now=START
        ).id
    return {
        "/v1/datasets": ("/v1/datasets", {}, 202),
        "/v1/datasets/<>/check": (f"/v1/datasets/{dataset}/check", {}, 202),
        "/v1/dataset-jobs/<>/cancel": (f"/v1/dataset-jobs/{waiting}/cancel", {}, "dataset_job_state"),
    }


def list_calls_of_campaigns(scene: Scene) -> dict[str, Call]:
    ends_at = (scene.desk.clock.now() + timedelta(days=30)).isoformat()
    said = {"name": "Orders in German", "languages": ["de"], "target": 40, "ends_at": ends_at}
    path = f"/v1/campaigns/{scene.desk.post('/v1/campaigns', 'admin', **said).json['campaign_id']}"
    return {
        "/v1/campaigns": ("/v1/campaigns", said, 201),
        "/v1/campaigns/<>/end": (f"{path}/end", {"reason": "too slow"}, 200),
        "/v1/campaigns/<>/resume": (f"{path}/resume", {}, 200),
    }


def list_forms() -> set[str]:
    """Where the forms of the templates go, whether they name it themselves or by `api` or a macro."""
    found: set[str] = set()
    for path in (translations.PACKAGE / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for api in re.findall(r'set api = ("/v1/.+?) %}', text):
            text = text.replace('data-action="{{ api }}', f"data-action={api}" + ' ~ "')
        text = re.sub(r'" ~ [^"]+? ~ "', "<>", text)
        text = re.sub(r'" ~ [a-z.]+,', '<>",', text)
        found |= set(re.findall(r'(?:data-action=|with_reason\()"(/v1/[^"]+)"', text))
    return {re.sub(r"\{\{.*?\}\}", "<>", form) for form in found}
