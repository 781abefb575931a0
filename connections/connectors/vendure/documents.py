"""The GraphQL documents sent to the Admin API (3.7). One operation each, so that a cut answer leaves one question."""

ERROR = "__typename ... on ErrorResult { errorCode message }"

# What is kept of an order and read by `parse_update`.
UPDATE = """
id code state createdAt updatedAt orderPlacedAt
payments { transactionId refunds { id createdAt state reason lines { orderLineId quantity } } }
lines { id quantity orderPlacedQuantity productVariant { sku } }
fulfillments { id state method trackingCode createdAt updatedAt lines { orderLineId quantity } }
"""

# What creating an order goes by.
STATE = """
id code state currencyCode totalWithTax shippingWithTax
customer { id } shippingAddress { streetLine1 } billingAddress { streetLine1 } shippingLines { id }
lines { id quantity taxRate proratedLinePriceWithTax productVariant { id sku } }
payments { id amount transactionId refunds { id total state reason } }
modifications { id }
fulfillments { id }
"""

REFUND = "id createdAt state total reason transactionId lines { orderLineId quantity }"

# What refunding goes by. Pieces that were cancelled are gone from a line's `quantity`, not from `orderPlacedQuantity`.
REFUNDING = f"""
id
lines {{ id quantity orderPlacedQuantity proratedUnitPriceWithTax productVariant {{ sku }} }}
surcharges {{ description sku priceWithTax }}
payments {{ id amount state refunds {{ {REFUND} }} }}
fulfillments {{ state lines {{ orderLineId quantity }} }}
history(options: {{ filter: {{ type: {{ eq: "ORDER_CANCELLATION" }} }} }}) {{ items {{ data }} }}
"""

NOTES = 'history(options: { filter: { type: { eq: "ORDER_NOTE" } } }) { items { data } }'

LOGIN = f"""mutation ($username: String!, $password: String!) {{
  login(username: $username, password: $password) {{ {ERROR} }}
}}"""
CHECK = """{
  activeAdministrator { emailAddress }
  activeChannel { code token defaultCurrencyCode availableCurrencyCodes pricesIncludeTax }
}"""
SETUP = """query ($skus: [String!]!, $take: Int!) {
  activeChannel { availableCurrencyCodes }
  globalSettings { serverConfig { moneyStrategyPrecision } }
  productVariants(options: { filter: { sku: { in: $skus } }, take: $take }) { items { id sku enabled } }
}"""
ORDERS = f"query ($options: OrderListOptions) {{ orders(options: $options) {{ items {{ {UPDATE} }} }} }}"
ORDER = f"query ($id: ID!) {{ order(id: $id) {{ {UPDATE} }} }}"
ORDER_STATE = f"query ($id: ID!) {{ order(id: $id) {{ {STATE} }} }}"
FIND = f"query ($options: OrderListOptions) {{ orders(options: $options) {{ items {{ {STATE} {NOTES} }} }} }}"
ORDER_REFUNDING = f"query ($id: ID!) {{ order(id: $id) {{ {REFUNDING} }} }}"
ORDER_NOTES = f"query ($id: ID!) {{ order(id: $id) {{ id {NOTES} }} }}"
CUSTOMERS = """query ($email: String!) {
  customers(options: { filter: { emailAddress: { eq: $email } }, take: 1 }) { items { id } }
}"""
SHIPPING_METHODS = "query ($id: ID!) { eligibleShippingMethodsForDraftOrder(orderId: $id) { id code name } }"


def _mutation(signature: str, field: str, *, is_union: bool = True) -> str:
    result = f"... on Order {{ {STATE} }} {ERROR}" if is_union else STATE
    return f"mutation ({signature}) {{ {field} {{ {result} }} }}"


CREATE_DRAFT = f"mutation {{ createDraftOrder {{ {STATE} }} }}"
DELETE_DRAFT = "mutation ($id: ID!) { deleteDraftOrder(orderId: $id) { result message } }"
ADD_NOTE = "mutation ($input: AddNoteToOrderInput!) { addNoteToOrder(input: $input) { id } }"
ADD_ITEM = _mutation("$id: ID!, $input: AddItemToDraftOrderInput!", "addItemToDraftOrder(orderId: $id, input: $input)")
ADJUST_LINE = _mutation(
    "$id: ID!, $input: AdjustDraftOrderLineInput!", "adjustDraftOrderLine(orderId: $id, input: $input)"
)
REMOVE_LINE = _mutation("$id: ID!, $line: ID!", "removeDraftOrderLine(orderId: $id, orderLineId: $line)")
SET_CUSTOMER = _mutation(
    "$id: ID!, $customer: ID, $input: CreateCustomerInput",
    "setCustomerForDraftOrder(orderId: $id, customerId: $customer, input: $input)",
)
SET_SHIPPING_ADDRESS = _mutation(
    "$id: ID!, $input: CreateAddressInput!",
    "setDraftOrderShippingAddress(orderId: $id, input: $input)",
    is_union=False,
)
SET_BILLING_ADDRESS = _mutation(
    "$id: ID!, $input: CreateAddressInput!", "setDraftOrderBillingAddress(orderId: $id, input: $input)", is_union=False
)
SET_SHIPPING_METHOD = _mutation(
    "$id: ID!, $method: ID!", "setDraftOrderShippingMethod(orderId: $id, shippingMethodId: $method)"
)
TRANSITION = _mutation("$id: ID!, $state: String!", "transitionOrderToState(id: $id, state: $state)").replace(
    ERROR, ERROR + " ... on OrderStateTransitionError { transitionError }"
)
PAY = _mutation("$input: ManualPaymentInput!", "addManualPaymentToOrder(input: $input)")
MODIFY = _mutation("$input: ModifyOrderInput!", "modifyOrder(input: $input)")
MAKE_REFUND = (
    f"mutation ($input: RefundOrderInput!) {{ refundOrder(input: $input) {{ ... on Refund {{ {REFUND} }} {ERROR} }} }}"
)
CANCEL_LINES = (
    f"mutation ($input: CancelOrderInput!) {{ cancelOrder(input: $input) {{ ... on Order {{ id }} {ERROR} }} }}"
)
SETTLE_REFUND = f"mutation ($input: SettleRefundInput!) {{ settleRefund(input: $input) {{ {ERROR} }} }}"
