"""Texts that the helper writes for children: asked for once, taken by a build where the helper says that the
reply still fits, erased with the parent.
"""

import json

import pytest

from feedback.datasets.build import Selection
from feedback.helper.augmenting import ask_children
from feedback.helper.errors import BudgetSpent, JudgesItself
from feedback.store.engine import read
from feedback.store.written_texts import read_texts_of_children
from serving.settings import ServingSettings
from tests.feedback.datasets.test_build import all_of, ask, bring, build
from tests.feedback.datasets.test_children import erase_record
from tests.feedback.datasets.test_sifting import talks
from tests.feedback.erasure.traces import find_traces
from tests.feedback.formats.files import CLOCK, choice
from tests.feedback.helper.scripted import DROP, completion, make_helper, scripted

ASKED = "My lamp with order 1042 flickers every night. What can I do about it?"
OTHER = "Every night the lamp of order 1042 is flickering. What can be done about it?"
CHINESE = "我的台灯（订单1042）每晚都闪。我该怎么办？"
FITS, UNFIT = completion({"fits": True}), completion({"fits": False})
REFUSED = completion("", refusal="I cannot.")


@pytest.fixture
def data(sqlite_engine, tmp_path):
    """A choice of train and one that is held out."""
    names = [*talks("train", 1), *talks("test", 1)]
    texts = (ASKED, "Which bus goes to your shop in the old town on Sundays?")
    lines = [choice(1, id=f"{name}-1", prompt=ask(text)) for name, text in zip(names, texts, strict=True)]
    bring(sqlite_engine, tmp_path, *lines)
    build(sqlite_engine, tmp_path / "data")
    return tmp_path / "data"


def write(engine, data, operation, address, most=9, **settings):
    helper = make_helper(engine, CLOCK, address.address, **settings)
    return ask_children(helper, engine, data_dir=data, operation=operation, most=most)


def build_with(engine, data, operation):
    info = build(engine, data, selection=Selection(augment=(operation,)))
    return [record for record in all_of(info, "choices") if "made" in record], info.refusals


@pytest.mark.parametrize(
    ("operation", "answers"),
    [("paraphrase", [OTHER]), ("question", [OTHER]), ("back_translate", [CHINESE, OTHER])],
)
def test_what_the_helper_writes_is_asked_once_and_names_its_call(sqlite_engine, data, operation, answers):
    (name,) = talks("train", 1)
    assert build_with(sqlite_engine, data, operation) == ([], {"made_unwritten": 1})
    with scripted(*(completion({"text": text}) for text in answers), FITS) as address:
        found = write(sqlite_engine, data, operation, address)
        assert found is not None and found.said == {"written": 1}
        again = write(sqlite_engine, data, operation, address)
        assert again is not None and again.said == {}
        assert len(address.asked) == len(answers) + 1
    with read(sqlite_engine) as session:
        written = read_texts_of_children(session, desk_id="default", operations=[operation])
    assert {each: text.text for each, text in written.items()} == {f"choice:test/{name}-1~{operation}": OTHER}
    ((child,), refusals) = build_with(sqlite_engine, data, operation)
    assert (child["prompt"][-1]["content"], child["id"], refusals) == (OTHER, f"{name}-1~{operation}", {})
    call = written[f"choice:test/{name}-1~{operation}"].call
    assert child["made"] == {"parent": f"{name}-1", "operation": operation, "seed": 1, "call": call}


def test_a_text_that_loses_something_is_refused_by_the_build(sqlite_engine, data):
    with scripted(completion({"text": OTHER.replace("1042", "1043")}), FITS) as address:
        write(sqlite_engine, data, "paraphrase", address)
    assert build_with(sqlite_engine, data, "paraphrase") == ([], {"made_facts": 1})


def test_where_the_helper_cannot_go_on_it_is_said_and_nothing_is_written(sqlite_engine, data):
    with scripted() as address, pytest.raises(BudgetSpent):
        write(sqlite_engine, data, "paraphrase", address, daily_tokens=1)
    with read(sqlite_engine) as session:
        assert read_texts_of_children(session, desk_id="default", operations=["paraphrase"]) == {}


def test_a_text_that_the_reply_does_not_fit_is_counted_and_not_asked_about_again(sqlite_engine, data):
    with scripted(completion({"text": OTHER}), UNFIT) as address:
        found = write(sqlite_engine, data, "paraphrase", address)
        assert found is not None and found.said == {"unfit": 1}
        again = write(sqlite_engine, data, "paraphrase", address)
        assert again is not None and again.said == {}
        told = json.loads(address.asked[1]["messages"][1]["content"])
    assert (told["messages"], told["reply"]) == (ask(OTHER), choice(1)["candidates"][0]["text"])
    assert build_with(sqlite_engine, data, "paraphrase") == ([], {"made_unfit": 1})


@pytest.mark.parametrize(
    "answers",
    [[REFUSED], [completion({"fits": "yes"})] * 2, [DROP] * 2],
    ids=["refused", "not a boolean", "unknown"],
)
def test_what_has_no_answer_whether_it_fits_is_no_child(sqlite_engine, data, answers):
    with scripted(completion({"text": OTHER}), *answers) as address:
        found = write(sqlite_engine, data, "paraphrase", address)
        assert found is not None and found.said == {"unanswered": 1}
    assert build_with(sqlite_engine, data, "paraphrase") == ([], {"made_unwritten": 1})


def test_a_budget_spent_between_the_two_questions_leaves_the_second_for_later(sqlite_engine, data):
    dear = completion({"text": OTHER}) | {"usage": {"prompt_tokens": 9_999, "completion_tokens": 1}}
    with scripted(dear, FITS) as address:
        with pytest.raises(BudgetSpent):
            write(sqlite_engine, data, "paraphrase", address, daily_tokens=10_000)
        assert build_with(sqlite_engine, data, "paraphrase") == ([], {"made_unwritten": 1})
        found = write(sqlite_engine, data, "paraphrase", address, daily_tokens=20_000)
        assert found is not None and found.said == {"written": 1}
        assert len(address.asked) == 2
    assert len(build_with(sqlite_engine, data, "paraphrase")[0]) == 1


def test_the_model_of_the_engine_here_judges_no_reply(sqlite_engine, data):
    with scripted(completion({"text": OTHER})) as address, pytest.raises(JudgesItself):
        write(sqlite_engine, data, "paraphrase", address, model=ServingSettings().base_model)


@pytest.mark.parametrize("said", [FITS, REFUSED], ids=["fits", "refused"])
def test_erasure_takes_the_text_with_its_parent(sqlite_engine, data, said):
    with scripted(completion({"text": OTHER}), said) as address:
        write(sqlite_engine, data, "paraphrase", address)
    assert len(find_traces(sqlite_engine, data, "flickering")) > 0
    erase_record(sqlite_engine, data, f"{talks('train', 1)[0]}-1")
    assert find_traces(sqlite_engine, data, "flicker") == []
    with read(sqlite_engine) as session:
        assert read_texts_of_children(session, desk_id="default", operations=["paraphrase"]) == {}
