"""What is done and what is read of health is in the audit, once, and auditors read it."""

from typing import Any

import pytest

from cloud.identity import audit
from cloud.identity.scope import WHOLE
from cloud.storage.unit import Work
from tests.cloud.web.conftest import Town

ALL = WHOLE.rows(audit.audit_table.c.area)


def deeds(town: Town) -> list[audit.Deed]:
    """Oldest first."""

    def read(work: Work) -> list[audit.Deed]:
        return [each.deed for each in audit.entries(work, ALL, None, 1000)][::-1]

    return town.store.read(read)


def whats(town: Town) -> list[str]:
    return [each.what for each in deeds(town)]


def test_a_command_is_written_down_with_who_on_what_and_from_where(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    signed_in, claimed = deeds(town)

    assert signed_in.what == "sign_in"
    assert claimed.what == "POST /api/alarms/{alarm_id}/claim"
    assert (claimed.who, claimed.target) == (signed_in.who, alarm_id)
    assert (claimed.area, claimed.source) == ("440310", "testclient")


def test_a_command_that_fails_or_is_asked_again_is_not_written_down_again(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    path, key = f"/api/alarms/{alarm_id}/claim", {"idempotency-key": "key-00000001"}
    for _ in range(2):
        town.command(csrf, path, **key)
    town.command(csrf, f"/api/alarms/{alarm_id}/note", {"text": " "})

    assert whats(town) == ["sign_in", "POST /api/alarms/{alarm_id}/claim"]


@pytest.mark.parametrize(
    ("login", "path", "what"),
    [
        ("operator", "/api/alarms/{alarm}", "GET /api/alarms/{alarm_id}"),
        ("operator", "/api/homes/ho-anhe01", "GET /api/homes/{home_id}"),
        ("operator", "/api/offers", "GET /api/offers"),
    ],
)
def test_reading_what_holds_health_is_written_down(
    town: Town, login: str, path: str, what: str
) -> None:
    alarm_id = town.press()
    town.sign_in(login)

    town.get(path.format(alarm=alarm_id))

    assert whats(town) == ["sign_in", what]


def test_following_the_feed_is_reading(town: Town) -> None:
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        socket.send_json({"t": "hello"})
        socket.send_json({"t": "sub", "topics": ["alarms", "units", "secrets"]})
        while socket.receive_json()["t"] != "snapshot":
            pass

    followed = deeds(town)[-1]

    assert (followed.what, followed.target) == ("follow", "alarms,units")


def test_a_wrong_password_is_written_down_without_what_was_typed(town: Town) -> None:
    for login in ("operator", "Tr0ub4dor&3"):
        town.client.post("/api/session", json={"login": login, "password": "S3cret-canary"})

    known, unknown = deeds(town)

    assert (known.what, unknown.what) == ("sign_in_refused", "sign_in_refused")
    assert (known.who != "", unknown.who) == (True, "")
    assert "Tr0ub4dor" not in str(deeds(town))
    assert "canary" not in str(deeds(town))


def test_no_secret_is_in_the_audit(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")
    code = town.act(csrf, f"/api/alarms/{alarm_id}/reveal")["door_code"]

    assert code is not None
    assert code not in str(deeds(town))


def test_an_auditor_reads_it_page_by_page_with_the_head(town: Town) -> None:
    town.sign_in()
    town.sign_in("auditor")

    page: dict[str, Any] = town.get("/api/audit")
    older: dict[str, Any] = town.get(f"/api/audit?before={page['entries'][0]['n']}")

    assert page["entries"][0]["deed"]["what"] == "sign_in"
    assert (page["head_n"], page["head"]) == (page["entries"][0]["n"], page["entries"][0]["hash"])
    assert older["entries"] == page["entries"][1:]


def test_the_chain_holds_after_all_that(town: Town) -> None:
    town.sign_in()
    town.sign_in("auditor")

    assert town.store.read(audit.broken) == []
