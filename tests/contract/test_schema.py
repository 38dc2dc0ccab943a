"""The schema that is checked in is the one that the messages give."""

import jsonschema_rs
import pytest

from contract.messages import Batch
from scripts.generate_schema import TARGET, schema, text
from tests.contract.golden import golden


def test_the_schema_is_up_to_date():
    assert TARGET.read_text("utf-8") == text(), "run python scripts/generate_schema.py"


@pytest.mark.parametrize(
    "wrong",
    [
        {"t": "batch"},
        {"t": "shout", "gateway": "gw-demo01"},
        {"t": "done", "gateway": "gw-demo01", "cmds": "all"},
        {"t": "ack", "journal": "j", "lane": "fast", "cloud_epoch": "e"},
    ],
)
def test_the_schema_refuses_what_is_not_a_message(wrong):
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema(), wrong)


def test_every_shape_of_the_agreement_is_in_the_schema():
    assert Batch.__name__ in schema()["$defs"]
    assert golden("up")
