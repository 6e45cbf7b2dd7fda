"""A desk with adapters, as an admin sees it in a browser."""

from dataclasses import dataclass

from flask.testing import FlaskClient

from tests.feedback.api.test_adapters import use
from tests.feedback.desk import Desk, make_desk
from tests.feedback.plant import Plant, build
from tests.feedback.web.test_auth import sign_in


@dataclass(frozen=True)
class Scene:
    desk: Desk
    plant: Plant
    browser: FlaskClient  # of the admin ada


def make_scene(store, fake_engine, fake_fleet, data_dir) -> Scene:
    desk = make_desk(store, data_dir)
    plant = build(store, fake_engine, data_dir, fake_fleet)
    use(desk, plant.ctx)
    return Scene(desk, plant, sign_in(desk, "ada"))
