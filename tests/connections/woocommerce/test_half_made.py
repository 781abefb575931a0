"""An order of which something is already there is never begun anew without looking."""

import pytest

from connections.connectors.errors import TransientError
from connections.connectors.types import Found
from tests.simulators.base import Fault

from .conftest import OPTIONS, an_order, connector_for


@pytest.mark.parametrize("fault", [Fault.RATE_LIMIT, Fault.RESET_BEFORE])
@pytest.mark.parametrize("call", [r"PUT .*/orders/\d+$", r"DELETE .*/orders/\d+$"])
def test_a_half_made_order_that_cannot_be_thrown_away_yet_is_looked_up_again(shop, fault, call):
    """ "Nothing was executed" would make the engine send it anew, beside the half-made one."""
    connector = connector_for(shop)
    half = connector.create_order(an_order(), key="bol:1:1001", options=OPTIONS)
    shop.fail(call, fault)
    with pytest.raises(TransientError) as caught:
        connector.create_order(
            an_order(), key="bol:1:1001", options=OPTIONS, found=Found(half.remote_id, is_complete=False)
        )
    assert caught.value.was_sent
    assert len(shop.effects("create_order")) == 1
