"""Every route behind a session, once: for the application, for its OpenAPI document, for tests."""

from fastapi import APIRouter

from cloud.alarms import store as alarms
from cloud.dispatch.service import DispatchDesk
from cloud.fleet.authority import Authority
from cloud.fleet.enrolment import Enrolment
from cloud.timeseries.port import TimeSeries
from cloud.web import feed, health, sessions
from cloud.web.accounts import account_routes
from cloud.web.alarms import alarm_routes
from cloud.web.audit import audit_routes
from cloud.web.calls import call_routes
from cloud.web.consents import consent_routes
from cloud.web.duty import duty_routes
from cloud.web.enrol import enrol_routes
from cloud.web.family import family_routes
from cloud.web.fleet import fleet_routes
from cloud.web.homes import home_routes
from cloud.web.offers import offer_routes
from cloud.web.readings import reading_routes
from cloud.web.registry import registry_routes
from cloud.web.removals import removal_routes
from cloud.web.second_factor import own_routes
from cloud.web.snapshot import rows_of
from cloud.web.stations import station_routes


def all_routes(
    dispatch: DispatchDesk, series: TimeSeries, gateways: Authority, enrolment: Enrolment
) -> list[APIRouter]:
    """With the parts that stand behind them. Whether the process is ready is told elsewhere."""
    return [
        sessions.session_routes(),
        own_routes(),
        account_routes(),
        audit_routes(),
        consent_routes(),
        family_routes(),
        home_routes(),
        registry_routes(),
        sessions.shift_routes(alarms.claimed_by),
        alarm_routes(dispatch),
        offer_routes(dispatch),
        station_routes(dispatch),
        reading_routes(series),
        duty_routes(),
        enrol_routes(enrolment),
        fleet_routes(gateways, enrolment),
        call_routes(),
        removal_routes(),
        feed.routes(rows_of(dispatch)),
        health.rejected_routes(),
    ]
