"""One factory per model, valid with no arguments; the company is taken from the parent.

They work without an open scope and inside one: each row is made inside its own company.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import factory
from django.db import models
from django.utils import timezone
from django_scopes import scope
from factory.django import DjangoModelFactory

from channable.tenants.models import Company, Membership, Project, User
from channable.tenants.roles import Role
from channable.tenants.scope import all_companies
from connections.models import (
    Connection,
    OrderConnection,
    OutboxMessage,
    RefusedRecord,
    Stream,
    SyncRun,
    TransporterRule,
)
from orders.models import Attachment, Finding, Order, OrderEvent, OrderItem, ProductLink, Return
from orders.models.item import ItemPart
from orders.states import OrderStatus, PartStatus


class CompanyFactory(DjangoModelFactory[Company]):
    class Meta:
        model = Company

    name = factory.Sequence(lambda n: f"Company {n}")

    @classmethod
    def _create(cls, model_class: type[Company], *args: Any, **kwargs: Any) -> Company:
        with all_companies():  # it does not exist yet, so there is none to be inside of
            return super()._create(model_class, *args, **kwargs)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = "A person"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        password = kwargs.pop("password", "correct horse battery")
        user: User = model_class.objects.create_user(password=password, **kwargs)
        user.emailaddress_set.create(email=user.email, verified=True, primary=True)
        return user


def member(company: Company, role: Role, **kwargs: Any) -> User:
    """A person with a role in a company."""
    user = UserFactory(**kwargs)
    Membership.objects.create(company=company, user=user, role=role)
    return user


class TenantFactory(DjangoModelFactory[Any]):
    """Rows of a company: made inside it, whatever scope is open."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type[models.Model], *args: Any, **kwargs: Any) -> Any:
        company = kwargs["company"]
        with all_companies(), scope(company=company.pk):
            return super()._create(model_class, *args, **kwargs)


class ProjectFactory(TenantFactory):
    class Meta:
        model = Project

    company = factory.SubFactory(CompanyFactory)
    name = factory.Sequence(lambda n: f"Project {n}")


class ConnectionFactory(TenantFactory):
    """A shop, unless `kind` says a marketplace. Without credentials: pass them with `sealed_by`."""

    class Meta:
        model = Connection

    company = factory.SubFactory(CompanyFactory)
    kind = "woocommerce"
    label = factory.Sequence(lambda n: f"Shop {n}")
    account_id = factory.Sequence(lambda n: f"https://shop{n}.example.com")


class MarketplaceFactory(ConnectionFactory):
    kind = "bol"
    label = factory.Sequence(lambda n: f"bol {n}")
    account_id = factory.Sequence(lambda n: f"retailer-{n}")


class OrderConnectionFactory(TenantFactory):
    class Meta:
        model = OrderConnection

    company = factory.LazyAttribute(lambda o: o.project.company)
    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"bol to shop {n}")
    marketplace = factory.LazyAttribute(lambda o: MarketplaceFactory(company=o.project.company))
    shop = factory.LazyAttribute(lambda o: ConnectionFactory(company=o.project.company))
    is_active = True
    start_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=30))


class StreamFactory(TenantFactory):
    class Meta:
        model = Stream

    company = factory.LazyAttribute(lambda o: o.connection.company)
    connection = factory.SubFactory(MarketplaceFactory)
    name = "orders:FBR"
    topic = "orders"
    period_seconds = 300
    is_active = True
    next_run_at = factory.LazyFunction(timezone.now)


class SyncRunFactory(TenantFactory):
    class Meta:
        model = SyncRun

    company = factory.LazyAttribute(lambda o: o.stream.company)
    stream = factory.SubFactory(StreamFactory)
    connection = factory.LazyAttribute(lambda o: o.stream.connection)
    started_at = factory.LazyFunction(timezone.now)
    finished_at = factory.LazyFunction(timezone.now)
    outcome = "done"
    seen = 1
    new = 1


class RefusedRecordFactory(TenantFactory):
    class Meta:
        model = RefusedRecord

    company = factory.LazyAttribute(lambda o: o.connection.company)
    connection = factory.SubFactory(MarketplaceFactory)
    topic = "orders"
    external_id = factory.Sequence(lambda n: f"BROKEN-{n}")
    error_code = "order.unreadable"
    error_detail = "orderItems[0].quantity is missing"
    payload = factory.LazyFunction(lambda: {"orderId": "BROKEN", "orderItems": [{}]})


class OrderFactory(TenantFactory):
    """An open order with one item of quantity 1 and one open part; `status` moves the part along."""

    class Meta:
        model = Order

    company = factory.LazyAttribute(lambda o: o.order_connection.company)
    order_connection = factory.SubFactory(OrderConnectionFactory)
    project = factory.LazyAttribute(lambda o: o.order_connection.project)
    connection = factory.LazyAttribute(lambda o: o.order_connection.marketplace)
    shop = factory.LazyAttribute(lambda o: o.order_connection.shop)
    external_id = factory.Sequence(lambda n: f"A{n:09d}")
    number = factory.LazyAttribute(lambda o: o.external_id)
    reference = factory.LazyAttribute(lambda o: f"bol-0123456789ab-{o.external_id}")
    channel = "NL"
    remote_status = "open"
    ordered_at = factory.LazyFunction(timezone.now)
    currency = "EUR"
    subtotal = Decimal("20.00")
    total_amount = Decimal("20.00")
    customer_name = "Jip de Vries"
    country_code = "NL"
    items_count = 1
    status = OrderStatus.NOT_SHIPPED
    search_text = factory.LazyAttribute(lambda o: f"{o.number} {o.customer_name} mug".lower())

    @classmethod
    def _create(cls, model_class: type[models.Model], *args: Any, **kwargs: Any) -> Any:
        order = super()._create(model_class, *args, **kwargs)
        OrderItemFactory(order=order, part_status=_part_of(order.status))
        return order


def _part_of(status: str) -> str:
    """The state of the one part of an order with this status."""
    return status if status in PartStatus.values else PartStatus.OPEN


class OrderItemFactory(TenantFactory):
    class Meta:
        model = OrderItem

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    external_id = factory.Sequence(lambda n: f"line-{n}")
    product_id = "MUG"
    title = "Mug"
    quantity = 1
    unit_price = Decimal("20.00")

    @classmethod
    def _create(cls, model_class: type[models.Model], *args: Any, **kwargs: Any) -> Any:
        status = kwargs.pop("part_status", PartStatus.OPEN)
        item = super()._create(model_class, *args, **kwargs)
        ItemPartFactory(item=item, order=item.order, quantity=item.quantity, status=status)
        return item


class ItemPartFactory(TenantFactory):
    class Meta:
        model = ItemPart

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    quantity = 1
    status = PartStatus.OPEN


class OrderEventFactory(TenantFactory):
    class Meta:
        model = OrderEvent

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    code = "order.received"
    message = "Received from bol."
    actor = "marketplace"
    occurred_at = factory.LazyFunction(timezone.now)


class AttachmentFactory(TenantFactory):
    """An invoice whose file is said to be stored; it is not, unless the test stores it under its key."""

    class Meta:
        model = Attachment

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    number = factory.Sequence(lambda n: n + 1)
    kind = "invoice"
    source = "user"
    state = "stored"
    filename = "invoice.pdf"
    file_type = ".pdf"
    size = 1234
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    storage_key = factory.LazyAttribute(lambda o: f"{o.order.company_id}/{o.sha256[-32:]}.pdf")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=90))


class ProductLinkFactory(TenantFactory):
    class Meta:
        model = ProductLink

    company = factory.LazyAttribute(lambda o: o.shop.company)
    shop = factory.SubFactory(ConnectionFactory)
    product_id = "MUG"
    shop_product_id = "CUP-7"
    source = "person"


class FindingFactory(TenantFactory):
    class Meta:
        model = Finding

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    order_connection = factory.LazyAttribute(lambda o: o.order.order_connection)
    external_id = factory.LazyAttribute(lambda o: o.order.external_id)
    code = "reconcile.gone_there"
    detail = "Here it is not_shipped; the marketplace has no such order."


class TransporterRuleFactory(TenantFactory):
    class Meta:
        model = TransporterRule

    company = factory.LazyAttribute(lambda o: o.project.company)
    project = factory.SubFactory(ProjectFactory)
    transporter = "DHL"


class OutboxMessageFactory(TenantFactory):
    class Meta:
        model = OutboxMessage

    company = factory.LazyAttribute(lambda o: o.connection.company)
    connection = factory.SubFactory(ConnectionFactory)
    kind = "create_order"
    subject_id = factory.Sequence(lambda n: n + 1)
    reference = factory.LazyAttribute(lambda o: f"bol-0123456789ab-{o.subject_id}")


class ReturnFactory(TenantFactory):
    class Meta:
        model = Return

    company = factory.LazyAttribute(lambda o: o.order.company)
    order = factory.SubFactory(OrderFactory)
    connection = factory.LazyAttribute(lambda o: o.order.connection)
    external_id = factory.Sequence(lambda n: f"line-{n}")
    return_id = factory.Sequence(lambda n: f"return-{n}")
    quantity = 1
    title = "Mug with a handle"
    product_id = "MUG"
    registered_at = factory.LazyFunction(timezone.now)
