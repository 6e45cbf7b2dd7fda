"""The last section of an adapter's card follows what is decided; nothing else of the card ever changes."""

import pytest

from feedback.deployment import deploy
from feedback.deployment.model_cards import Decided, refresh_cards, render_decisions
from serving.adapters.staging import verify_staged
from tests.feedback.builders import NOW
from tests.feedback.plant import ONE, TWO, build

HEAD = "---\nlibrary_name: peft\n---\n\n# A card\n\n## Recipe\n\nSome | text\n"


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path):
    plant = build(sqlite_engine, fake_engine, tmp_path, fake_fleet)
    plant.add(ONE, TWO)
    for name in (ONE, TWO):
        first = render_decisions([Decided(NOW, "passed", "trainer", "passed the offline gate")])
        card_of(plant, name).write_text(f"{HEAD}\n{first}")
    return plant


def card_of(plant, name):
    return plant.ctx.data_dir / "adapters" / name / "README.md"


def test_a_card_tells_how_its_adapter_came_into_service_and_left_it(plant):
    plant.publish(ONE)
    plant.clock.advance(3600)
    deploy.roll_back_adapter(plant.ctx, actor="ann", reason="rude | to <b>customers</b>\nagain")
    head, decisions = card_of(plant, ONE).read_text().split("\n## Decisions\n")
    assert head == HEAD
    assert decisions.strip().splitlines()[2:] == [
        "| 2026-11-22 02:00 | canary | worker | passed the gate |",
        "| 2026-11-22 03:00 | rolled back | ann | rude \\| to &lt;b>customers&lt;/b> again |",
    ]
    verify_staged(card_of(plant, ONE).parent)  # the checksums are of the weights


def test_a_crash_before_the_cards_were_written_is_mended_by_the_next_reconcile(plant, monkeypatch):
    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deploy, "refresh_cards", die)
        with pytest.raises(KeyboardInterrupt):
            plant.publish(ONE)
    assert "| canary |" not in card_of(plant, ONE).read_text()
    deploy.reconcile(plant.ctx)
    assert "| canary |" in card_of(plant, ONE).read_text()


def test_what_is_no_card_of_ours_or_says_so_already_is_left_alone(plant):
    card_of(plant, ONE).write_text("# My own words\n")
    plant.add("tuned-20261122-3")
    card_of(plant, "tuned-20261122-3").write_bytes(b"\n## Decisions\n\xff")
    plant.publish(TWO)
    before = card_of(plant, TWO).stat().st_mtime_ns
    refresh_cards(plant.ctx.store_engine, plant.ctx.data_dir, desk_id="default")
    assert card_of(plant, ONE).read_text() == "# My own words\n"
    assert (
        card_of(plant, TWO).stat().st_mtime_ns == before and "| canary |" in card_of(plant, TWO).read_text()
    )
