"""Orders over the socket: whatever the pieces are that they come in, and whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import SidecarError
from sidecar.supervision.orders import Notify, Order, OrderReader, Start, encoded

# Python has bytes of a variable that are no UTF-8 as lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20) | st.just("\udcff\n{}")
ORDERS = st.lists(
    st.dictionaries(TEXT, TEXT, max_size=3).map(Start) | st.integers(1, 64).map(Notify), max_size=4
)


@given(orders=ORDERS, size=st.integers(1, 50))
def test_orders_arrive_as_they_were_given_however_they_are_cut(
    orders: list[Order], size: int
) -> None:
    sent = b"".join(map(encoded, orders))
    reader = OrderReader()
    pieces = (sent[start : start + size] for start in range(0, len(sent), size))
    assert [order for piece in pieces for order in reader.feed(piece)] == orders


def test_half_an_order_is_none() -> None:
    assert list(OrderReader().feed(encoded(Notify(1))[:-1])) == []


@pytest.mark.parametrize("line", [b"{}", b"1", b'{"start": 1}', b'{"notify": "1"}'])
def test_what_is_no_order_is_refused(line: bytes) -> None:
    with pytest.raises(SidecarError, match="nobody understands"):
        list(OrderReader().feed(line + b"\n"))


def test_an_order_does_not_show_the_values_in_it() -> None:
    assert "canary" not in repr(Start({"PASSWORD": "canary"}))
