"""The task that checks texts beside its task of rewrites, which it follows. Nobody checks themselves."""

import pytest

from tests.feedback.labelling.tasks import add_people
from tests.feedback.labelling.test_text_checks import (
    begin,
    find_checks,
    write,
)


@pytest.fixture
def people(desk):
    add_people(desk, "cy", "dee", "ed")
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    return desk


def test_the_task_of_texts_takes_the_guideline_of_its_task_of_rewrites_and_none_of_its_own(people):
    desk = people
    task, _ = begin(desk, guideline="Be kind.")
    write(desk, task, "ann")
    changed = desk.post(f"/v1/tasks/{task.id}/guideline", "eva", guideline="Be brief.")
    assert changed.json["guideline_version"] == 2
    checks = find_checks(desk, task)
    assert (checks.guideline, checks.guideline_version) == ("Be brief.", 2)
    alone = desk.post(f"/v1/tasks/{checks.id}/guideline", "eva", guideline="Be strict.")
    assert (alone.status_code, alone.json["error"]["code"]) == (409, "task_of_rewrites")
