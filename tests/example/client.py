"""Example's endpoints, one method each. JSON in, JSON out, no meaning."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connections.connectors.base import Account
from connections.connectors.errors import ContractError, DataError
from connections.connectors.http import HttpClient
from connections.connectors.types import JSON


class ExampleClient:
    """Market and shop speak alike: a key in a header, lists with a position to go on from."""

    def __init__(self, account: Account, http: HttpClient) -> None:
        self._http = http
        self._url = account.credentials["url"].strip().rstrip("/")
        self._headers = {"X-Api-Key": account.credentials["api_key"].strip()}

    def account(self) -> JSON:
        return self._object("GET", "/account")

    def orders(self, **params: str) -> JSON:
        """`{"orders": [...], "next": position or null}`, sorted by the moment of change, then number."""
        answer = self._object("GET", "/orders", params=params)
        orders = answer.get("orders")
        if not isinstance(orders, list):
            raise ContractError("a list without orders")
        return answer

    def order(self, order_id: str) -> JSON:
        try:
            return self._object("GET", f"/orders/{quote(order_id, safe='')}")
        except DataError as error:
            code = "order.gone" if error.status == 404 else error.code
            raise DataError(error.detail, code=code, status=error.status) from None

    def create_order(self, body: JSON) -> JSON:
        return self._object("POST", "/orders", json=body)

    def create_shipment(self, order_id: str, body: JSON) -> JSON:
        return self._object("POST", f"/orders/{quote(order_id, safe='')}/shipments", json=body)

    def create_return(self, order_id: str, body: JSON) -> JSON:
        return self._object("POST", f"/orders/{quote(order_id, safe='')}/returns", json=body)

    def _object(self, method: str, path: str, **options: Any) -> JSON:
        """The transport turns failures into the five errors; only the shape is left to check."""
        answer = self._http.request(method, self._url + path, headers=self._headers, **options).json()
        if not isinstance(answer, dict):
            raise ContractError("an answer that is no object")
        return answer
