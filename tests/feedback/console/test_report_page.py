"""An adapter's report before it was shown, on its page in both languages."""

import re

from feedback.store.adapters import get_adapter
from feedback.store.engine import unit_of_work
from tests.feedback.builders import add_adapter

NAME = "tuned-20261101-1"
REPORT = {
    "n": 30,
    "length": {"log_loss": 1.25, "accuracy": 0.4, "ci95": [1.2, 1.3]},
    "replies": {"copied": 0.5, "copied_base": 0.0625},
    "tags": {
        "billing": {"weight": 2.0, "n": 12, "conversations": 9, "gain": 0.25, "gain_ci95": [0.125, 0.375]},
        "vip": {"weight": 0.5, "n": 1, "conversations": 1, "gain": 0.5, "gain_ci95": None},
    },
}


def test_figures_stand_beside_bases_own(sqlite_desk):
    with unit_of_work(sqlite_desk.engine) as session:
        add_adapter(session, NAME, "refused")
        get_adapter(session, desk_id="default", name=NAME).report = REPORT

    def open_page(language):
        headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
        answer = sqlite_desk.app.test_client().get(f"/console/adapters/{NAME}", headers=headers)
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    english, chinese = open_page("en"), open_page("zh")
    assert "the length of the reply alone 1.2500 40 %" in english
    assert "Measured This adapter Base copied from the customer, of a reply 50.0 % 6.2 %" in english
    assert "billing 2 12 9 0.25 0.125 – 0.375 vip 0.5 1 1 0.5 –" in english
    assert "billing 2 12 9 0.25" in chinese and "比盲猜更好" in chinese
    assert "仅凭回复长短 1.2500" in chinese
    assert "测量项 此适配器 基础模型 回复中照抄客户的部分 50.0 % 6.2 %" in chinese
