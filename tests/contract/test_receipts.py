"""The order of acknowledgements, for every order in which messages become safe."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.receipts import ReceiptBook


@given(st.permutations(range(1, 9)))
def test_acknowledgements_leave_in_order_of_receipt_whatever_is_safe_first(order):
    book = ReceiptBook()
    book.connected()
    receipts = {mid: book.taken(mid) for mid in range(1, 9)}

    left = [mid for settled in order for mid in book.settle(receipts[settled])]

    assert left == list(range(1, 9))


def test_a_message_of_the_former_connection_is_never_acknowledged_on_the_new_one():
    book = ReceiptBook()
    book.connected()
    old = book.taken(7)
    book.connected()
    new = book.taken(7)

    assert book.settle(old) == []
    assert book.settle(new) == [7]


def test_settling_twice_acknowledges_once():
    book = ReceiptBook()
    book.connected()
    receipt = book.taken(1)

    assert book.settle(receipt) == [1]
    assert book.settle(receipt) == []


class Connection(RuleBasedStateMachine):
    """A broker beside the book: it reuses packet ids and redelivers after each reconnect."""

    def __init__(self):
        super().__init__()
        self.book, self.mid = ReceiptBook(), 0
        self.book.connected()
        self.at_broker, self.receipts, self.late = [], [], []

    @rule()
    def message(self):
        self.mid = self.mid % 5 + 1
        self.at_broker.append(self.mid)
        self.receipts.append(self.book.taken(self.mid))

    @precondition(lambda self: self.receipts or self.late)
    @rule(data=st.data())
    def becomes_safe(self, data):
        receipt = data.draw(st.sampled_from(self.receipts + self.late))
        for mid in self.book.settle(receipt):
            assert receipt not in self.late, "an acknowledgement crossed a reconnect"
            assert mid == self.at_broker.pop(0), "the broker drops a client that skips one"
            self.receipts.pop(0)

    @rule()
    def reconnects(self):
        self.late += self.receipts
        self.book.connected()
        self.receipts = [self.book.taken(mid) for mid in self.at_broker]

    @invariant()
    def nothing_is_forgotten(self):
        assert len(self.book) == len(self.at_broker)


TestConnection = Connection.TestCase
