"""Two parcels of one item: bol's process statuses tell them apart only by their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connections.connectors.bol.connector import BolConnector
from connections.connectors.types import OutcomeState, Pending, ShipmentData, ShippedItem
from tests.simulators.bol import BolSimulator

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)


def parcel_of(bol: BolSimulator, number: str) -> ShipmentData:
    return ShipmentData([ShippedItem(bol.orders[number].items[0].id, 1)], datetime.now(UTC))


def test_a_parcel_is_not_taken_for_the_one_before_it(bol: BolSimulator, connector: BolConnector) -> None:
    """While the first is on its way it might be the second; once it is listed it clearly isn't."""
    number = bol.add_order(quantity=2)
    bol.advance(minutes=-2)
    connector.confirm_shipment(number, parcel_of(bol, number), key="first")
    found = connector.find_shipment(number, parcel_of(bol, number), key="second", since=LONG_AGO)
    assert isinstance(found, Pending)
    states = [outcome.state for _ in range(3) for outcome in connector.follow_up([found.ticket])]
    assert states[-1] is OutcomeState.GONE
    assert connector.find_shipment(number, parcel_of(bol, number), key="second", since=LONG_AGO) is None


def test_a_parcel_that_is_not_listed_yet_is_waited_for(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=2)
    bol.polls = 0
    connector.confirm_shipment(number, parcel_of(bol, number), key="first")
    bol.list_lag = timedelta(minutes=1)
    found = connector.find_shipment(number, parcel_of(bol, number), key="first", since=LONG_AGO)
    assert isinstance(found, Pending)
    assert [one.state for one in connector.follow_up([found.ticket])] == [OutcomeState.PENDING]
    bol.list_lag = timedelta(0)
    (outcome,) = connector.follow_up([found.ticket])
    assert (outcome.state, outcome.remote_id) == (OutcomeState.DONE, bol.shipments[0]["id"])


def test_a_clock_that_is_behind_hides_nothing(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.advance(seconds=-30)
    connector.confirm_shipment(number, parcel_of(bol, number), key="first")
    assert connector.find_shipment(number, parcel_of(bol, number), key="first", since=datetime.now(UTC))
