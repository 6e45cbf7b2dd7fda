"""The lineage pages: links both ways, what stays hidden until a set is judged, who is not blind any more."""

import re

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import Deployment, SuggestionSet, Turn, Unblinding
from tests.feedback.chain import ADAPTER, DATASET, Chain, record
from tests.feedback.desk import Desk, make_desk


@pytest.fixture
def chain(sqlite_engine, tmp_path):
    return Chain(make_desk(sqlite_engine, tmp_path), tmp_path)


def page(desk: Desk, path: str, role: str = "expert"):
    headers = {"Authorization": f"Bearer {desk.tokens[role]}", "Accept": "text/html"}
    return desk.app.test_client().get(f"/console/lineage{path}", headers=headers)


def links(answer) -> list[str]:
    """Where the steps lead, in the order of the page."""
    return re.findall(r'<a class="mono" href="([^"]+)"', answer.text)


def test_a_judgement_leads_back_to_its_message_and_on_to_service(chain):
    answer = page(chain.desk, f"/{chain.judgement}")
    assert answer.status_code == 200
    found = links(answer)
    assert found[:2] == [f"/console/lineage/set:{chain.set}", f"/console/lineage/message:{chain.message}"]
    assert found[2:7] == [
        f"/console/lineage/choice:{chain.judgement}",
        f"/console/datasets/{DATASET}",
        f"/console/runs/{chain.run}",
        f"/console/adapters/{ADAPTER}",
        f"/console/adapters/{ADAPTER}",  # its report
    ]
    assert "/console/lineage/deployment:2" in found


def test_every_link_of_a_walk_leads_to_a_page(chain):
    seen, waiting = set(), [f"/console/lineage/{chain.message}"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = chain.desk.call("GET", path, "admin")
        assert answer.status_code == 200, (path, answer.text[:300])
        waiting += [link.replace("&amp;", "&") for link in links(answer)]
    assert {f"/console/datasets/{DATASET}", f"/console/adapters/{ADAPTER}"} <= seen
    assert "/console/lineage?id=choice:star/star-1-e11" in seen and len(seen) >= 18


@pytest.mark.parametrize("path", [f"/console/adapters/{ADAPTER}", f"/console/datasets/{DATASET}", "run"])
def test_pages_of_adapter_dataset_and_run_lead_to_their_lineage(chain, path):
    path = f"/console/runs/{chain.run}" if path == "run" else path
    assert f"/console/lineage/{path.rsplit('/', 1)[1]}" in chain.desk.get(path, "expert").text


def test_what_is_not_found_or_not_one_is_said_beside_the_field(chain):
    with unit_of_work(chain.desk.engine) as session:
        add_records(session, rows=[record("moon", "star-1-e11")])
    empty, unknown, several = (
        page(chain.desk, f"?id={text}") for text in ("", "%3Cscript%3E-nobody", "star-1-e11")
    )
    assert [answer.status_code for answer in (empty, unknown, several)] == [200, 404, 409]
    assert "Eight characters of its beginning will do." in unknown.text
    assert "Nothing here is called so." in unknown.text and 'value="&lt;script&gt;-nobody"' in unknown.text
    assert links(several) == [
        "/console/lineage?id=choice:moon/star-1-e11",
        "/console/lineage?id=choice:star/star-1-e11",
    ]
    programs = chain.desk.get("/console/lineage?id=star-1-e11", "expert")
    assert (programs.status_code, programs.json["error"]["code"]) == (409, "id_ambiguous")


def test_arms_and_adapter_of_a_set_are_told_once_it_is_judged_and_not_before(chain):
    """Also not from the other side: the interval in which it was drawn does not name it."""
    desk = chain.desk
    served = {"desk_id": "default", "role": "live", "adapter": ADAPTER, "actor": "t", "reason": "t"}
    with unit_of_work(desk.engine) as session:
        session.add(Deployment(fencing_token=5, at=desk.clock.now(), **served))
    chain.opened = desk.open("One more thing?")
    set_id, shown = chain.show(adapter=ADAPTER)
    before = [page(desk, f"/{id}") for id in (set_id, desk.row(Turn, id=chain.opened["turn_id"]).message_id)]
    for answer in before:
        main = answer.text.split("<main")[1]
        assert answer.status_code == 200
        assert not re.search(rf"tuned|deployment|2\+2|{ADAPTER}|where the replies came from", main)
    assert set_id not in page(desk, "/deployment:5").text
    assert desk.rows(Unblinding) == []
    desk.pick(shown, 2)
    after = page(desk, f"/{set_id}").text
    assert (
        ADAPTER in after and "1: base; 2: tuned; 3: base; 4: tuned" in after and "place on screen: 3" in after
    )
    assert set_id in page(desk, "/deployment:5").text


def test_who_opens_a_judged_set_is_not_blind_to_it_any_more(chain):
    """The agents whose names are on the judgements are; a judgement taken back hides the arms again."""
    desk = chain.desk
    page(desk, f"/{chain.later_judgement}")
    assert desk.rows(Unblinding) == []  # it says which adapter had a part, not which replies were its own
    page(desk, f"/{chain.later_set}")
    page(desk, f"/{chain.later_set}")
    (noted,) = desk.rows(Unblinding)
    assert (noted.set_id, noted.agent) == (chain.later_set, desk.users["eva"])
    with unit_of_work(desk.engine) as session:
        session.get_one(SuggestionSet, chain.later_set).state = "ready"
    hidden = page(desk, f"/{chain.later_set}", "admin").text
    assert "tuned" not in hidden.split("<main")[1] and len(desk.rows(Unblinding)) == 1


@pytest.mark.parametrize(("role", "status"), [("agent", 403), ("app", 403), ("expert", 200), ("admin", 200)])
def test_agents_see_no_lineage(chain, role, status):
    assert page(chain.desk, f"/{ADAPTER}", role).status_code == status
