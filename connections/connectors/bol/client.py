"""bol's endpoints, one method each, named as its documentation names them. JSON in, JSON out.

Source: descriptions "v10 - Retailer API" and "v10 - Shared API" (10.x, April 2026); tokens and limits
from bol's documentation pages on authentication and conventions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..base import Account, Token
from ..bodies import dump_file
from ..errors import AuthError, ConnectorError, ContractError, DataError, RateLimited
from ..statuses import error_for
from ..types import JSON
from .limits import Pace, said_seconds
from .tokens import request_token

if TYPE_CHECKING:
    from ..http import HttpClient, Response

MEDIA_TYPE = "application/vnd.retailer.v10+json"
LABEL_TYPE = "application/vnd.retailer.v10+pdf"
DEFAULT_API_URL = "https://api.bol.com"
DEFAULT_LOGIN_URL = "https://login.bol.com"
# Refusals of a write, told in the words of the problem document: a merchant reads them.
TELLING = (400, 404, 406, 409, 415)


class BolClient:
    """Calls with the account's shared token. Raises the five errors."""

    def __init__(self, account: Account, http: HttpClient) -> None:
        self._account = account
        self._http = http
        self._pace = Pace()
        self._api_url = (account.settings.get("api_url") or DEFAULT_API_URL).rstrip("/")
        self._login_url = (account.settings.get("login_url") or DEFAULT_LOGIN_URL).rstrip("/")

    # -- orders

    def get_orders(self, **params: Any) -> JSON:
        return self._call("GET", "/retailer/orders", params=params)

    def get_order(self, order_id: str) -> JSON:
        return self._call("GET", f"/retailer/orders/{_quoted(order_id)}", group="/retailer/orders/*")

    def cancel_order_item(self, order_item_id: str, reason_code: str) -> JSON:
        items = [{"orderItemId": order_item_id, "reasonCode": reason_code}]
        return self._call("PUT", "/retailer/orders/cancellation", json={"orderItems": items}, is_write=True)

    # -- shipments

    def create_shipment(self, shipment: JSON) -> JSON:
        return self._call("POST", "/retailer/shipments", json=shipment, is_write=True)

    def get_shipments(self, order_id: str, page: int) -> JSON:
        return self._call("GET", "/retailer/shipments", params={"order-id": order_id, "page": page})

    # -- returns

    def get_returns(self, **params: Any) -> JSON:
        return self._call("GET", "/retailer/returns", params=params)

    def get_return(self, return_id: str) -> JSON:
        return self._call("GET", f"/retailer/returns/{_quoted(return_id)}", group="/retailer/returns/*")

    def handle_return(self, rma_id: str, decision: JSON) -> JSON:
        path = f"/retailer/returns/{_quoted(rma_id)}"
        return self._call("PUT", path, group="/retailer/returns/*", json=decision, is_write=True)

    def get_shipment(self, shipment_id: str) -> JSON:
        return self._call("GET", f"/retailer/shipments/{_quoted(shipment_id)}", group="/retailer/shipments/*")

    def upload_invoice(self, shipment_id: str, filename: str, content: bytes) -> JSON:
        path = f"/retailer/shipments/invoices/{_quoted(shipment_id)}"
        form = dump_file("invoice", filename, content, "application/pdf")
        return self._call("POST", path, group="/retailer/shipments/invoices/*", form=form, is_write=True)

    def get_invoice_requests(self, shipment_id: str, state: str) -> JSON:
        return self._call(
            "GET", "/retailer/shipments/invoices/requests", params={"shipment-id": shipment_id, "state": state}
        )

    def get_shipping_label(self, label_id: str) -> bytes:
        path = f"/retailer/shipping-labels/{_quoted(label_id)}"
        return self._answer("GET", path, group="/retailer/shipping-labels/*", accept=LABEL_TYPE).body

    # -- process statuses

    def get_process_status_bulk(self, ids: Sequence[str]) -> JSON:
        """At most 1000 ids; those bol no longer knows are missing in the answer."""
        queries = [{"processStatusId": id_} for id_ in ids]
        return self._call("POST", "/shared/process-status", json={"processStatusQueries": queries})

    def get_process_status_entity_id(self, entity_id: str, event_type: str) -> JSON:
        """The newest 50."""
        params = {"entity-id": entity_id, "event-type": event_type}
        return self._call("GET", "/shared/process-status", params=params)

    # -- retailer

    def get_retailer_information(self) -> JSON:
        return self._call("GET", "/retailer/retailers/current", group="/retailer/retailers/*")

    # -- calling

    def token(self) -> Token:
        return self._account.tokens.current() or self._account.tokens.renew(self._request_token)

    def _request_token(self) -> Token:
        credentials = self._account.credentials
        return request_token(self._http, self._login_url, credentials["client_id"], credentials["client_secret"])

    def _call(self, method: str, path: str, **options: Any) -> JSON:
        return self._answer(method, path, **options).json()

    def _answer(
        self,
        method: str,
        path: str,
        *,
        group: str = "",
        params: Mapping[str, Any] | None = None,
        json: JSON = None,
        form: tuple[str, bytes] | None = None,
        accept: str = MEDIA_TYPE,
        is_write: bool = False,
    ) -> Response:
        """`form`: a body as `dump_file` makes it, instead of `json`."""
        endpoint = f"{method} {group or path}"
        self._pace.wait_for(endpoint)
        content_type, data = form or (MEDIA_TYPE if json is not None else "", None)
        headers = {"Accept": accept} | ({"Content-Type": content_type} if content_type else {})
        options: dict[str, Any] = {"params": params, "json": json, "data": data, "is_write": is_write}
        token = self.token()
        try:
            response = self._send(method, path, token, headers, **options)
        except AuthError as error:
            if error.status != 401:
                raise
            # The token was revoked or has expired; nothing was executed, so a write may be sent again too.
            token = self._account.tokens.renew(self._request_token, rejected=token.value)
            response = self._send(method, path, token, headers, **options)
        self._pace.learn(endpoint, response.headers)
        return response

    def _send(
        self, method: str, path: str, token: Token, headers: Mapping[str, str], *, is_write: bool, **options: Any
    ) -> Response:
        try:
            response = self._http.request(
                method,
                self._api_url + path,
                headers={"Authorization": f"Bearer {token.value}", **headers},
                is_write=is_write,
                accept=TELLING if is_write else (),
                **options,
            )
        except RateLimited as error:
            error.retry_after = said_seconds(error.detail) or error.retry_after
            raise
        if response.status >= 400:
            raise _refusal(response)
        return response


def _quoted(id_: str) -> str:
    """An id as one segment of a path."""
    if id_ in {"", ".", ".."}:
        raise DataError(f"{id_!r} is no id", field="id")
    return quote(id_, safe="")


def _refusal(response: Response) -> ConnectorError:
    """The error for a refused write, in the words of its problem document if there is one."""
    error = error_for(response, is_write=True)
    if told := problem_text(response):
        error.detail, error.args = told, (told,)
    return error


def problem_text(response: Response) -> str:
    """`{title, detail, violations: [{name, reason}]}` in one line; "" if it is something else."""
    try:
        problem = response.json()
    except ContractError:
        return ""
    if not isinstance(problem, Mapping) or not problem.get("title"):
        return ""
    violations = problem.get("violations")
    reasons = [
        f"{violation.get('name')}: {violation.get('reason')}"
        for violation in (violations if isinstance(violations, list) else ())
        if isinstance(violation, Mapping)
    ]
    parts = [f"{response.status} {problem['title']}", *map(str, filter(None, [problem.get("detail")])), *reasons]
    return "; ".join(parts)[:500]
