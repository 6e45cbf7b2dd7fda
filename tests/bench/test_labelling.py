"""`bench.labelling` in small: a few labellers through the real web, and one at the page."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, func, select

from bench.chromium import MISSING, find_chromium
from bench.instance import running_on_fake
from bench.labelling import (
    OVERLAP,
    add_labellers,
    find_p95,
    label_on,
    measure_reaction,
    put_bench_items,
)
from feedback.store.engine import open_engine
from feedback.store.tables import Label

pytestmark = pytest.mark.real


def test_the_95th_of_a_hundred_waits_is_no_average():
    assert find_p95([1.0] * 94 + [9.0] * 6) == 9.0
    assert find_p95([1.0] * 96 + [9.0] * 4) == 1.0


def test_labellers_share_items_and_the_page_reacts(tmp_path):
    url = f"sqlite:///{tmp_path / 'rejoinder.db'}"
    with running_on_fake(tmp_path / "var", REJOINDER_FEEDBACK__DATABASE_URL=url) as (service, _):
        engine = open_engine(url)
        task_id = put_bench_items(engine, items=4)
        waits = label_on(service, add_labellers(engine, 3), task_id, seconds=300, every=0.05)
        # Four items of two labels each; nobody is asked twice about one, so nobody gets more than four.
        assert len(waits.labels) == len(waits.claims) == len(waits.both) == 4 * OVERLAP
        assert all(both >= claim for both, claim in zip(waits.both, waits.claims, strict=True))
        with Session(engine) as session:
            each = session.exec(
                select(func.count()).where(Label.task_id == task_id).group_by(Label.item_id)
            ).all()
        assert each == [OVERLAP] * 4
        if find_chromium() is None:
            pytest.skip(MISSING)
        with ThreadPoolExecutor(1) as own:  # Playwright wants a thread that no other browser of the run has
            reaction = own.submit(measure_reaction, service, engine).result()
        assert reaction is not None and reaction > 0
        engine.dispose()
