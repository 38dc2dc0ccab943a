"""The OpenAPI document: FastAPI's, with the answers' schemas and the feed's messages put in.

contract/schema/openapi.json is made of it (scripts/generate_openapi.py), the pages' types of that.
"""

from inspect import cleandoc
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from cloud.identity.answers import KEY_CHARS_MAX, KEY_CHARS_MIN
from cloud.identity.service import AccountEntry
from cloud.live import messages as feed
from cloud.observe.readiness import Ready
from cloud.registry import entries
from cloud.registry.removals import RemovalEntry
from cloud.web import documents, shapes
from cloud.web.calls import CallsForm
from cloud.web.homes import DeviceForm, HomeForm
from contract.enrolment import Enrolled

ANSWERS: Final[tuple[type[msgspec.Struct], ...]] = (
    documents.Alarm,
    documents.Candidate,
    documents.Contact,
    documents.Offer,
    documents.Station,
    documents.Unit,
    shapes.AccountList,
    shapes.AccountMade,
    shapes.AlarmDetail,
    shapes.AlarmList,
    shapes.AlarmShown,
    shapes.Alive,
    shapes.AreaList,
    shapes.AuditChain,
    shapes.AuditList,
    shapes.CallPlanList,
    shapes.CandidateList,
    shapes.CodeMade,
    shapes.ConsentList,
    shapes.ConsentShown,
    shapes.DoorCode,
    shapes.DutyShown,
    Enrolled,
    shapes.HomeReadings,
    shapes.HomeShown,
    shapes.LastReadings,
    Ready,
    shapes.Enrolment,
    shapes.Entered,
    shapes.FamilyList,
    shapes.FleetList,
    shapes.GatewayList,
    shapes.HomeDetail,
    shapes.HomeList,
    shapes.LinkMade,
    shapes.OfferList,
    shapes.OfferShown,
    shapes.Problem,
    shapes.RecoveryCodes,
    shapes.RejectedList,
    shapes.RemovalList,
    shapes.RemovalShown,
    shapes.ResponderList,
    shapes.Revoked,
    shapes.SessionShown,
    shapes.ShiftShown,
    shapes.SightingList,
    shapes.StationList,
    shapes.UnitList,
)
FORMS: Final[tuple[type[msgspec.Struct], ...]] = (
    AccountEntry,
    CallsForm,
    DeviceForm,
    HomeForm,
    RemovalEntry,
    entries.AreaEntry,
    entries.CallPlanEntry,
    entries.GatewayEntry,
    entries.ResponderEntry,
    entries.StationEntry,
)
FEED: Final[dict[str, Any]] = {
    "ServerMessage": feed.Welcome
    | feed.Snapshot
    | feed.Resume
    | feed.Delta
    | feed.State
    | feed.Beat
    | feed.Trouble,
    "ClientMessage": feed.ClientMessage,
}
KEY: Final = {
    "name": "idempotency-key",
    "in": "header",
    "required": False,
    "description": "Makes a repeated request do nothing and answer what was answered first.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{{KEY_CHARS_MIN},{KEY_CHARS_MAX}}}$"},
}


def describe(app: FastAPI) -> None:
    """Complete the application's own document, when it is asked for first."""
    by_fastapi = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = by_fastapi()
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas())
            for path in document["paths"].values():
                for operation in path.values():
                    _add_key(operation)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def schemas() -> dict[str, Any]:
    """Every answer and message by name. Of an answer all fields are always there."""
    _, answers = msgspec.json.schema_components(ANSWERS, ref_template=shapes.REF)
    for shape in answers.values():
        if "properties" in shape and shape["title"] != documents.Report.__name__:
            shape["required"] = list(shape["properties"])
    _, forms = msgspec.json.schema_components(FORMS, ref_template=shapes.REF)
    unions, parts = msgspec.json.schema_components(FEED.values(), ref_template=shapes.REF)
    told = {**forms, **answers, **parts, **dict(zip(FEED, unions, strict=True))}
    for shape in told.values():
        if "description" in shape:
            shape["description"] = cleandoc(shape["description"])
    return dict(sorted(told.items()))


def _add_key(operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    if any(each["name"] == "x-csrf" for each in parameters):
        parameters.append(KEY)
