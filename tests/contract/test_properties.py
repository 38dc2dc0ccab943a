"""Identity outside the body: journal, lane and seq as MQTT 5 user properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.lanes import Lane
from contract.properties import Identity, fingerprint, from_properties, to_properties
from tests.contract.strategies import journals, lanes, seqs

topics = st.text(st.characters(exclude_characters="\0"))  # as MQTT itself does
pairs = st.lists(st.tuples(st.sampled_from(["journal", "lane", "seq"]) | st.text(), st.text()))


@given(journals, lanes, seqs, seqs)
def test_an_identity_that_was_sent_is_read_again(journal, lane, one, other):
    identity = Identity(journal, lane, min(one, other), max(one, other))

    assert from_properties(to_properties(identity)) == identity


@given(pairs)
def test_a_senders_nonsense_is_no_identity_and_no_error(properties):
    identity = from_properties(properties)

    assert identity is None or 1 <= identity.first <= identity.last < 2**53


@pytest.mark.parametrize(
    "seq", ["", "0", "-1", "2-1", "1-", "one", "1.5", "1-2-3", str(2**53), "9" * 5000]
)
def test_a_sequence_number_that_cannot_be_is_no_identity(seq):
    found = from_properties([("journal", "j"), ("lane", "alarm"), ("seq", seq)])

    assert found is None or found == Identity("j", Lane.ALARM, 1, 1)
    assert seq == "1-" or found is None


def test_other_peoples_properties_beside_ours_do_no_harm():
    own = to_properties(Identity("j", Lane.ALARM, 7, 7))

    assert from_properties([("traceparent", "00-ab"), *own]) == Identity("j", Lane.ALARM, 7, 7)


@given(topics, st.binary(), topics, st.binary())
def test_a_fingerprint_is_the_same_for_a_redelivery_and_for_nothing_else(topic, body, other, more):
    is_same = (topic, body) == (other, more)

    assert (fingerprint(topic, body) == fingerprint(other, more)) == is_same
