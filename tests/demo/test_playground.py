"""The simulated marketplace and shop of the demo: they remember, and they can be played with."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulators.demo import AT_ONCE, OPEN_AT_MOST, Driver
from tests.simulators.playground import Playground

Opener = Callable[[], Playground]


def post(playground: Playground, path: str, **form: str) -> requests.Response:
    return requests.post(playground.url + path, data=form, timeout=5, allow_redirects=False)


def shop_order(playground: Playground) -> str:
    """An order that is open in the shop, as the order sync would have made it."""
    body = {"status": "processing", "transaction_id": "ref-1", "line_items": [{"sku": "MUG-WHITE-350", "quantity": 1}]}
    playground.shop.basic_over_http = True
    answer = requests.post(
        f"{playground.shop.url}/wp-json/wc/v3/orders",
        json=body,
        auth=(playground.shop.key, playground.shop.secret),
        timeout=5,
    )
    return str(answer.json()["id"])


# -- remembering --------------------------------------------------------------------------------------


def test_the_next_run_remembers_orders_and_credentials(open_playground: Opener) -> None:
    first = open_playground()
    number = post(first, "/_demo/orders").json()["id"]
    in_shop = shop_order(first)
    first.stop()
    second = open_playground()
    assert (list(second.bol.orders), list(second.shop.orders)) == ([number], [in_shop])
    assert (second.bol.client_secret, second.bol.retailer_id) == (first.bol.client_secret, first.bol.retailer_id)
    assert len(second.shop.products) == len(first.shop.products)


def test_a_killed_run_has_kept_its_orders_too(open_playground: Opener, tmp_path: Path) -> None:
    first = open_playground()
    number = post(first, "/_demo/orders").json()["id"]
    first.keeper.save()  # what happens within a second by itself
    assert list(open_playground().bol.orders) == [number]


def test_no_number_is_given_twice(open_playground: Opener) -> None:
    first = open_playground()
    numbers = {post(first, "/_demo/orders").json()["id"] for _ in range(3)}
    first.stop()
    numbers |= {post(open_playground(), "/_demo/orders").json()["id"]}
    assert len(numbers) == 4


def test_a_file_that_cannot_be_read_is_put_aside(open_playground: Opener, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "simulators.pickle").write_bytes(b"not a pickle")
    assert post(open_playground(), "/_demo/orders").status_code == 200
    assert "begin anew" in capsys.readouterr().out
    assert (tmp_path / "simulators.unreadable").exists()


def test_a_file_of_another_version_is_put_aside(open_playground: Opener, tmp_path: Path) -> None:
    first = open_playground()
    first.bol.buy()
    first.bol.grown_since = 1
    first.stop()
    assert not open_playground().bol.orders
    assert (tmp_path / "simulators.unreadable").exists()


def test_the_file_is_for_us_alone(open_playground: Opener, tmp_path: Path) -> None:
    playground = open_playground()
    playground.stop()
    assert (tmp_path / "simulators.pickle").stat().st_mode & 0o077 == 0


def test_old_closed_orders_are_forgotten_and_open_ones_never(playground: Playground) -> None:
    numbers = [playground.bol.buy() for _ in range(5)]
    for number in numbers[:4]:
        playground.bol.ship_by_hand(number)
    playground.bol.forget_old_orders(2)
    assert list(playground.bol.orders) == numbers[2:]


# -- playing ------------------------------------------------------------------------------------------


def test_the_page_shows_both_sides_with_their_buttons(playground: Playground) -> None:
    number, in_shop = playground.bol.buy(), shop_order(playground)
    page = requests.get(playground.url, timeout=5)
    assert number in page.text and in_shop in page.text
    assert f"/_demo/shop/{in_shop}/ship" in page.text


def test_a_button_leads_back_to_the_page_and_a_program_gets_the_id(playground: Playground) -> None:
    order_id = shop_order(playground)
    path = f"{playground.url}/_demo/shop/{order_id}/ship"
    pressed = requests.post(path, headers={"Accept": "text/html"}, timeout=5, allow_redirects=False)
    assert (pressed.status_code, pressed.headers["Location"]) == (303, "/")
    assert playground.shop.orders[order_id]["status"] == "completed"
    assert playground.shop.trackings["extension"][order_id]


@pytest.mark.parametrize("path", ["/_demo/shop/1/ship", "/_demo/cancellation-request", "/_demo/returns"])
def test_what_there_is_nothing_to_do_for_is_said(playground: Playground, path: str) -> None:
    assert post(playground, path).status_code == 409


def test_unknown_paths_and_orders_are_not_found(playground: Playground) -> None:
    assert requests.get(f"{playground.url}/nowhere", timeout=5).status_code == 404
    assert post(playground, "/_demo/orders", what="nonsense").status_code == 409


# -- the driver ---------------------------------------------------------------------------------------


def drive(playground: Playground, seconds: int, driver: Driver | None = None) -> Driver:
    """Its steps, as fast as they go; each order at the marketplace is at once in the shop."""
    driver = driver or Driver(playground.url, random.Random(7))
    for now in range(0, seconds, 4):
        driver.step(now)
        while len(playground.shop.orders) < len(playground.bol.orders):
            shop_order(playground)
    return driver


def test_within_a_few_minutes_there_is_something_of_everything(playground: Playground) -> None:
    drive(playground, 900)
    statuses = [order["status"] for order in playground.shop.orders.values()]
    assert playground.bol.placed > AT_ONCE
    assert {"processing", "completed", "cancelled"} <= set(statuses)
    with_code = set(playground.shop.trackings["extension"])
    completed = {i for i, order in playground.shop.orders.items() if order["status"] == "completed"}
    assert completed & with_code and completed - with_code
    assert len(playground.bol.unreadable) == 1
    unknown = [o for o in playground.bol.orders.values() if o.items[0].sku == "CANDLE-NEW"]
    assert len(unknown) == 1


def test_buying_stops_while_much_is_open_and_goes_on_after(playground: Playground) -> None:
    for _ in range(OPEN_AT_MOST):
        playground.bol.buy()
    driver = drive(playground, 8)
    assert playground.bol.placed == OPEN_AT_MOST
    playground.bol.ship_by_hand(next(iter(playground.bol.orders)))
    driver.step(1000)
    assert playground.bol.placed == OPEN_AT_MOST + 1


def test_a_buyer_sends_back_what_was_shipped_once(playground: Playground) -> None:
    order_id = playground.bol.buy()
    playground.bol.ship_by_hand(order_id)
    assert post(playground, "/_demo/returns").status_code == 200
    (made,) = playground.bol.returns.values()
    assert made.items[0].order.id == order_id
    assert post(playground, "/_demo/returns").status_code == 409
