from __future__ import annotations

import structlog

from channable.celery import app
from channable.core.clock import utcnow
from channable.tenants.scope import company_scope
from channable.tenants.tasks import TenantTask
from connections.connectors.errors import ConnectorError
from connections.models import OrderConnection
from connections.tasks import EXPIRES
from orders.services.attachments import delete_expired
from orders.services.reconcile import CannotCompare, pairs_of_the_hour, reconcile
from orders.services.waiting import end_waits

log = structlog.get_logger(__name__)


@app.task(expires=EXPIRES)
def ship_after_waiting() -> None:
    """Ship what has waited for a tracking code long enough."""
    end_waits()


@app.task(expires=EXPIRES)
def delete_expired_files() -> None:
    """Delete the files of orders that nobody may have any more."""
    delete_expired()


@app.task(expires=EXPIRES)
def reconcile_tonight() -> None:
    """Once an hour: hand out the order connections whose hour of the night this is."""
    for company_id, pair_id in pairs_of_the_hour(utcnow().hour):
        reconcile_pair.apply_async((company_id, pair_id), expires=3600)


@app.task(base=TenantTask)
def reconcile_pair(company_id: int, pair_id: int) -> None:
    """Twice is harmless. Where a remote doesn't answer, the next night compares."""
    with company_scope(company_id):
        pair = OrderConnection.objects.active().select_related("marketplace", "shop").filter(pk=pair_id).first()
    if pair is None:
        return
    try:
        reconcile(pair)
    except (CannotCompare, ConnectorError) as error:
        log.info("not compared", order_connection=pair_id, reason=type(error).__name__)
