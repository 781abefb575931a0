"""Effects go out once, whatever is cut on the way: the shop's own ledger is the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from channable.core import stopping
from channable.tenants.models import Company
from channable.tenants.scope import company_scope
from connections.accounts import connect_account
from connections.connectors.types import CustomerData
from connections.models import Connection, ConnectionState, Heartbeat, OutboxMessage, OutboxStatus
from connections.outbox import reopen
from orders.models import Address, AddressKind, Order
from tests import engine
from tests.factories import OrderConnectionFactory, OrderFactory, OutboxMessageFactory, ProjectFactory
from tests.simulators.base import Fault
from tests.simulators.woocommerce import WooCommerceSimulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Iterator[WooCommerceSimulator]:
    simulator = WooCommerceSimulator()
    with simulator.served():
        simulator.add_product("MUG", "20.00", stock=100)
        yield simulator


@pytest.fixture
def account(company: Company, shop: WooCommerceSimulator) -> Connection:
    credentials = {"shop_url": shop.url, "consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    connection, _info = connect_account(company=company, kind="woocommerce", label="Shop", credentials=credentials)
    return connection


@pytest.fixture
def make_order(company: Company, account: Connection) -> Callable[..., Order]:
    pair = OrderConnectionFactory(project=ProjectFactory(company=company), shop=account)

    def make(**values: Any) -> Order:
        order = OrderFactory(order_connection=pair, customer=vars_of(CustomerData()), **values)
        with company_scope(company.pk):
            for kind in AddressKind:
                Address.objects.create(
                    company=company,
                    order=order,
                    kind=kind,
                    first_name="Jip",
                    last_name="de Vries",
                    street="Dorpsstraat",
                    house_number="1",
                    postcode="1234 AB",
                    city="Utrecht",
                    country_code="NL",
                    email="jip@example.com",
                )
        OutboxMessageFactory(connection=account, subject_id=order.pk, reference=order.reference)
        return order

    return make


def vars_of(customer: CustomerData) -> dict[str, Any]:
    return {name: getattr(customer, name) for name in customer.__slots__}


def message_of(order: Order) -> OutboxMessage:
    with company_scope(order.company_id):
        return OutboxMessage.objects.get(kind="create_order", subject_id=order.pk)


def fresh(order: Order) -> Order:
    with company_scope(order.company_id):
        return Order.objects.get(pk=order.pk)


def made(shop: WooCommerceSimulator) -> list[str]:
    """Our references, as the shop executed them."""
    return [effect.reference for effect in shop.effects("create_order")]


def test_a_message_is_sent_and_the_order_knows_its_number(shop: WooCommerceSimulator, make_order: Any) -> None:
    order = make_order()
    engine.send()
    assert made(shop) == [order.reference]
    assert message_of(order).status == OutboxStatus.SENT
    assert fresh(order).shop_order_id


EXECUTED = [fault for fault in Fault if fault.executes]
NOT_EXECUTED = [fault for fault in Fault if not fault.executes and fault is not Fault.RATE_LIMIT]


@pytest.mark.parametrize("fault", EXECUTED, ids=lambda fault: fault.value)
def test_a_cut_answer_is_looked_up_and_never_sent_twice(
    fault: Fault, shop: WooCommerceSimulator, make_order: Any, settings: Any
) -> None:
    order = make_order()
    shop.fail("POST .*/orders", fault, seconds=0.2)
    engine.send()
    if fault is not Fault.BROKEN_JSON:  # a shop may print notices before its JSON; that is read through
        assert message_of(order).status == OutboxStatus.UNKNOWN
    engine.settle()
    assert made(shop) == [order.reference]
    assert fresh(order).shop_order_id


@pytest.mark.parametrize("fault", NOT_EXECUTED, ids=lambda fault: fault.value)
def test_what_never_arrived_is_sent_in_the_end(fault: Fault, shop: WooCommerceSimulator, make_order: Any) -> None:
    order = make_order()
    shop.fail("POST .*/orders", fault, seconds=0.2)
    engine.settle()
    assert made(shop) == [order.reference]


def test_an_unknown_message_is_not_looked_up_before_the_call_can_be_over(
    shop: WooCommerceSimulator, make_order: Any
) -> None:
    order = make_order()
    shop.fail("POST .*/orders", Fault.RESET_AFTER)
    engine.send()
    message = message_of(order)
    assert message.not_before - timezone.now() > timedelta(seconds=60)
    shop.requests.clear()
    with company_scope(order.company_id):
        Connection.objects.update(not_before=timezone.now())
    engine.send()
    assert shop.requests == []


def test_one_absence_is_not_enough_to_send_again(shop: WooCommerceSimulator, make_order: Any) -> None:
    """The shop's list may lag behind: executed, cut, and not to be found at the first look."""
    order = make_order()
    shop.fail("POST .*/orders", Fault.RESET_AFTER)
    engine.send()
    shop.list_lag = timedelta(hours=1)
    engine.hurry()
    engine.send()
    assert message_of(order).status == OutboxStatus.UNKNOWN
    shop.list_lag = timedelta(0)
    engine.settle()
    assert made(shop) == [order.reference]


def test_a_worker_that_died_while_sending_leaves_nothing_worse_than_unknown(
    shop: WooCommerceSimulator, make_order: Any
) -> None:
    order = make_order()
    with company_scope(order.company_id):
        OutboxMessage.objects.update(status=OutboxStatus.SENDING, first_sent_at=timezone.now(), attempt=1)
    engine.settle()
    assert made(shop) == [order.reference]


def test_two_relays_hand_an_account_to_one_sender(make_order: Any) -> None:
    make_order()
    from connections.relay import claim_senders

    assert len(claim_senders()) == 1
    assert claim_senders() == []


def test_a_doubled_task_finds_the_lease_taken(shop: WooCommerceSimulator, make_order: Any) -> None:
    from connections.relay import claim_senders
    from connections.sender import Sender

    make_order()
    (claim,) = claim_senders()
    first, second = Sender(claim), Sender(claim)
    assert first.start()
    assert not second.start()


def test_a_fenced_off_sender_writes_nothing(shop: WooCommerceSimulator, make_order: Any) -> None:
    from connections.relay import claim_senders
    from connections.sender import Sender

    order = make_order()
    (claim,) = claim_senders()
    slow = Sender(claim)
    slow.start()
    job = slow.next()
    assert job is not None
    with company_scope(order.company_id):  # the other one found it past its deadline and settled it
        OutboxMessage.objects.update(status=OutboxStatus.REJECTED, fence=None)
    slow.work(job)
    assert message_of(order).status == OutboxStatus.REJECTED
    assert fresh(order).shop_order_id == ""


def test_nothing_is_tried_and_nothing_counted_while_the_shop_is_down(
    shop: WooCommerceSimulator, make_order: Any, account: Connection
) -> None:
    order = make_order()
    shop.fail(".*", Fault.ERROR_503_BEFORE, times=1000)
    for _ in range(12):
        engine.hurry()
        engine.send()
    message = message_of(order)
    assert message.tries <= 1
    assert message.status in (OutboxStatus.UNKNOWN, OutboxStatus.READY)
    with company_scope(order.company_id):
        account.refresh_from_db()
        assert account.failures >= 10
        assert account.state == ConnectionState.FAULTY
    shop.heal()
    engine.settle()
    assert made(shop) == [order.reference]


def test_a_revoked_key_pauses_the_account_and_renewing_goes_on(
    shop: WooCommerceSimulator, make_order: Any, account: Connection, company: Company
) -> None:
    order = make_order()
    former = shop.consumer_secret
    shop.consumer_secret = "cs_" + "9" * 40
    engine.send()
    with company_scope(company.pk):
        account.refresh_from_db()
    assert account.state == ConnectionState.EXPIRED
    assert message_of(order).tries == 0
    engine.hurry()
    assert engine.send() == 0
    credentials = {"shop_url": shop.url, "consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    renewed, _info = connect_account(company=company, kind="woocommerce", label="Shop", credentials=credentials)
    assert renewed.pk == account.pk
    assert former != shop.consumer_secret
    engine.settle()
    assert made(shop) == [order.reference]


def test_a_refusal_is_on_the_order_and_a_resend_looks_first(shop: WooCommerceSimulator, make_order: Any) -> None:
    order = make_order()
    shop.products.clear()
    engine.send()
    assert message_of(order).status == OutboxStatus.REJECTED
    assert fresh(order).error_code == "product.not_found"
    shop.add_product("MUG", "20.00", stock=5)
    with company_scope(order.company_id):
        reopen(message_of(order))
    engine.settle()
    assert made(shop) == [order.reference]
    assert fresh(order).error_code == ""


def test_after_eight_failures_of_its_own_a_message_needs_a_person(
    shop: WooCommerceSimulator, make_order: Any, account: Connection
) -> None:
    order = make_order()
    shop.fail("POST .*/orders", Fault.ERROR_500_BEFORE, times=1000)
    for _ in range(40):
        engine.hurry()
        with company_scope(order.company_id):
            Connection.objects.update(failures=0)  # everything else works
        engine.send()
    message = message_of(order)
    assert (message.status, message.tries) == (OutboxStatus.DEAD, 8)
    assert fresh(order).error_code == "outbox.dead"
    assert made(shop) == []


def test_a_slowed_down_account_waits_as_long_as_it_was_told(
    shop: WooCommerceSimulator, make_order: Any, account: Connection
) -> None:
    order = make_order()
    shop.fail("POST .*/orders", Fault.RATE_LIMIT)
    engine.send()
    with company_scope(order.company_id):
        account.refresh_from_db()
    assert timedelta(seconds=3) < account.not_before - timezone.now() < timedelta(seconds=9)
    assert message_of(order).status == OutboxStatus.READY
    assert engine.send() == 0
    engine.settle()
    assert made(shop) == [order.reference]


def test_after_a_long_stop_everything_is_looked_up_first(shop: WooCommerceSimulator, make_order: Any) -> None:
    """A restored backup: the shop has the order already, and we don't know it."""
    order = make_order()
    engine.send()
    with company_scope(order.company_id):
        OutboxMessage.objects.update(status=OutboxStatus.READY, attempt=0, first_sent_at=None, remote_id="", fence=None)
        Order.objects.update(shop_order_id="", shop_number="")
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(hours=1))
    engine.settle()
    assert made(shop) == [order.reference]
    assert fresh(order).shop_order_id


def test_an_order_that_was_cancelled_meanwhile_is_not_created(shop: WooCommerceSimulator, make_order: Any) -> None:
    order = make_order(status="cancelled")
    engine.send()
    assert message_of(order).status == OutboxStatus.WITHDRAWN
    assert made(shop) == []


def test_writes_to_a_kind_can_be_switched_off(shop: WooCommerceSimulator, make_order: Any, settings: Any) -> None:
    order = make_order()
    settings.PAUSED_KINDS = ["woocommerce"]
    assert engine.send() == 0
    settings.PAUSED_KINDS = []
    engine.send()
    assert made(shop) == [order.reference]


def test_a_defect_of_ours_in_one_message_stops_no_other(shop: WooCommerceSimulator, make_order: Any) -> None:
    broken, healthy = make_order(), make_order()
    with company_scope(broken.company_id):
        Order.objects.filter(pk=broken.pk).update(total_amount=Decimal("1"), customer={"nonsense": 1})
    engine.send()
    assert made(shop) == [healthy.reference]


def test_a_worker_that_is_to_stop_sends_no_further_message(
    shop: WooCommerceSimulator, make_order: Any, stop_at: Callable[[str], None]
) -> None:
    first, second = make_order(), make_order()
    stop_at("sender.called:create_order")
    assert engine.send() == 1
    assert made(shop) == [first.reference]
    stopping.take_back()
    assert engine.send() == 1  # at once: the account was given back
    assert made(shop) == [first.reference, second.reference]
