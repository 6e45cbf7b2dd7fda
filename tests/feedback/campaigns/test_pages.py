"""The pages about campaigns: empty, filled in from Collection's sentence, and one with its figures."""

import re

from tests.feedback.campaigns.campaigns import pick_about, start


def show_page(desk, path, language="en"):
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept-Language": language}
    answer = desk.app.test_client().get(path, headers=headers)
    assert answer.status_code == 200
    return answer.text


def read_words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_collection_leads_to_a_form_for_the_tag_that_it_names(sqlite_desk):
    assert "No campaign yet" in show_page(sqlite_desk, "/console/campaigns")
    assert "还没有收集活动" in show_page(sqlite_desk, "/console/campaigns", "zh-CN")
    sqlite_desk.open(tags=["refund"])
    link = re.search(r'href="([^"]+)">Start a campaign', show_page(sqlite_desk, "/console/collection"))
    assert link is not None and link[1] == "/console/campaigns?tag=refund&amp;target=385"
    form = show_page(sqlite_desk, link[1].replace("&amp;", "&"))
    assert '<option value="refund" selected>' in form and 'name="target" value="385"' in form
    campaign_id = start(sqlite_desk)
    page = show_page(sqlite_desk, "/console/collection")
    assert "Being collected" in page and f"/console/campaigns/{campaign_id}" in page
    sqlite_desk.post(f"/v1/campaigns/{campaign_id}/end", "expert")
    assert "Start a campaign" in show_page(sqlite_desk, "/console/collection")


def test_a_campaign_says_how_far_it_is_and_who_changed_it(sqlite_desk):
    campaign_id = start(sqlite_desk, target=4)
    path = f"/console/campaigns/{campaign_id}"
    assert "not known before the first pick" in show_page(sqlite_desk, path)
    pick_about(sqlite_desk, "refund")
    sqlite_desk.clock.advance(2 * 86_400)  # half a pick a day: three more take six days
    page = show_page(sqlite_desk, path)
    assert '<progress max="4" value="1"' in page and '<time datetime="2026-11-30T09:00' in page
    words = read_words(page)
    assert "1 of 4" in words and "Usable picks a day 0.5" in words and "started · eva" in words
    sqlite_desk.clock.advance(6 * 86_400)
    assert "not before its end" in read_words(show_page(sqlite_desk, "/console/campaigns"))
    sqlite_desk.post(f"/v1/campaigns/{campaign_id}/end", "expert", reason="too slow")
    words = read_words(show_page(sqlite_desk, path))
    assert "ended before its target" in words and "too slow" in words and "Let it go on" in words
    assert "未达到目标就已结束" in show_page(sqlite_desk, path, "zh-CN")


def test_the_workbench_has_the_button_for_two_answers_while_a_campaign_gives_them(sqlite_desk):
    def has_button():
        headers = {"Authorization": f"Bearer {sqlite_desk.tokens['agent']}"}
        page = sqlite_desk.app.test_client().get("/workbench", headers=headers).text
        return 'data-part="both"' in page

    start(sqlite_desk, asks="question")
    assert not has_button()
    campaign_id = start(sqlite_desk, asks="two_answers")
    assert has_button()
    assert sqlite_desk.post(f"/v1/campaigns/{campaign_id}/end", "expert").status_code == 200
    assert not has_button()
