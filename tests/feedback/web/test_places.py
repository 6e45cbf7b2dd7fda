"""How many may wait at once, by who they are."""

from dataclasses import replace

import pytest

from feedback.actor import Actor
from feedback.web.places import ADDRESS_PLACES, PERSON_PLACES, STRANGER_PLACES, VISITOR_PLACES, Places


def visitor(number: int = 0) -> Actor:
    return Actor("visitor", "visitor", "default", name="visitor", conversation_id=f"c{number}")


def stranger(number: int) -> Actor:
    return replace(visitor(number), is_stranger=True)


APP = Actor("token", "app", "default", name="shop")
AGENT = Actor("token", "agent", "default", name="ann", user_id="o1")


def take_all(places: Places, wanted: list[tuple[Actor, str]]) -> int:
    """How many of these find a place, all being kept."""
    held = [places.take(actor, address) for actor, address in wanted]
    found = sum(each.__enter__() for each in held)
    for each in held:
        each.__exit__(None, None, None)
    assert places.open == 0
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([(visitor(), "1.2.3.4")] * 100, VISITOR_PLACES),
        ([(visitor(number), "1.2.3.4") for number in range(1000)], ADDRESS_PLACES),
        ([(visitor(number), "127.0.0.1") for number in range(1000)], 1000),
        ([(visitor(number), "::1") for number in range(1000)], 1000),
        ([(visitor(number), f"2001:db8::{number:x}") for number in range(1000)], ADDRESS_PLACES),
        ([(visitor(number), "::ffff:127.0.0.1") for number in range(1000)], 1000),
        ([(stranger(number), "127.0.0.1") for number in range(1000)], ADDRESS_PLACES),
        ([(stranger(number), f"10.0.{number // 200}.1") for number in range(6000)], STRANGER_PLACES),
        ([(AGENT, "1.2.3.4")] * 100, PERSON_PLACES),
        ([(APP, "1.2.3.4")] * 1000, 1000),
    ],
)
def test_nobody_takes_the_places_of_others(wanted, found):
    assert take_all(Places(), wanted) == found


def test_strangers_leave_the_places_of_apps_customers_free():
    strangers = [(stranger(number), f"10.0.{number // 200}.1") for number in range(6000)]
    customers = [(visitor(number), "10.0.0.1") for number in range(ADDRESS_PLACES)]
    assert take_all(Places(), strangers + customers) == STRANGER_PLACES + ADDRESS_PLACES


def test_all_together_have_a_limit_too():
    assert take_all(Places(total=10), [(APP, "1.2.3.4")] * 11) == 10


def test_a_place_that_is_given_back_can_be_taken_again():
    places = Places()
    for _ in range(3):
        assert take_all(places, [(visitor(), "1.2.3.4")] * 9) == VISITOR_PLACES
