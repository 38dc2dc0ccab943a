"""What is wrong at this gateway, as sentences that say what to do. Reads; never writes, never stops
the agent."""

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.lanes import Lane
from edge.answers import CONFIG, stored_config
from edge.clock import Clock
from edge.errors import JournalError
from edge.journal.schema import FILE_NAME
from edge.journal.view import View
from edge.settings import BrokerSettings, Settings

CONNECT_S: Final = 2.0
FREE_BYTES_MIN: Final = 64 * 1024 * 1024
RECENT_MAX: Final = 10


def examine(settings: Settings, clock: Clock) -> dict[str, Any]:
    """`ok`, `problems` [sentences], and facts: `waiting`, `refused`, `rejected`, `dropped`,
    `devices`."""
    folder = settings.data_dir
    problems = [*_disk(folder), *_clock(clock), *_brokers(settings)]
    if not _is_agent_running(folder):
        problems.append(f"no agent works in {folder}; start it with `anju edge run`")
    facts: dict[str, Any] = {}
    path = folder / FILE_NAME
    if not path.is_file():
        problems.append(
            f"there is no journal at {path} yet; it is made when the agent first starts"
        )
    else:
        view = View(path)
        try:
            facts = _facts(view)
            problems += _journal(view, facts, folder)
        except JournalError as error:
            problems.append(str(error))
        finally:
            view.close()
    return {"ok": not problems, "problems": problems, "gateway": settings.gateway, **facts}


def devices(settings: Settings) -> list[dict[str, Any]]:
    """What the registry says of the devices behind this gateway, as last heard. Raises
    JournalError."""
    path = settings.data_dir / FILE_NAME
    if not path.is_file():
        return []
    view = View(path)
    try:
        config = stored_config(view)
    finally:
        view.close()
    if config is None:
        return []
    return [msgspec.to_builtins(device) for device in config.devices]


def _facts(view: View) -> dict[str, Any]:
    return {
        "journal": view.meta("journal"),
        "waiting": view.counts(),
        "refused": [
            {"lane": str(lane), "seq": seq, "reason": reason}
            for lane, seq, reason in view.refused()
        ],
        "rejected": [
            {
                "at_ms": each.at_ms,
                "topic": each.topic,
                "reason": each.reason,
                "payload": each.payload[:200].decode(errors="replace"),
            }
            for each in view.rejected()[:RECENT_MAX]
        ],
        "dropped": view.dropped(),
        "is_configured": view.meta(CONFIG) is not None,
    }


def _journal(view: View, facts: dict[str, Any], folder: Path) -> Iterator[str]:
    for wrong in view.check():
        yield f"the journal is damaged: {wrong}; the agent sets it aside at its next start"
    if facts["waiting"][Lane.ALARM.value]:
        yield (
            f"{facts['waiting'][Lane.ALARM.value]} calls wait for the cloud;"
            " see whether its broker can be reached"
        )
    if facts["refused"]:
        yield (
            f"{len(facts['refused'])} rows were refused by the cloud and are kept here;"
            " its people have been told: update this agent or the cloud"
        )
    if not facts["is_configured"]:
        yield "the cloud has not said yet which devices are registered here"
    for broken in sorted(folder.glob(f"{FILE_NAME}.broken-*[0-9]")):
        yield f"a damaged journal was set aside as {broken.name}; send it to support"


def _disk(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        yield f"the data folder {folder} does not exist"
        return
    stats = os.statvfs(folder)
    free = stats.f_bavail * stats.f_frsize
    if free < FREE_BYTES_MIN:
        yield f"only {free // 2**20} MiB are free at {folder}; make room"


def _clock(clock: Clock) -> Iterator[str]:
    if not clock.is_synced():
        yield "nothing keeps this machine's clock right; switch on NTP"


def _brokers(settings: Settings) -> Iterator[str]:
    named: tuple[tuple[str, BrokerSettings], ...] = (
        ("home", settings.home),
        ("cloud", settings.cloud),
    )
    for name, broker in named:
        try:
            socket.create_connection((broker.host, broker.port), CONNECT_S).close()
        except OSError as error:
            yield (
                f"the {name} broker at {broker.host}:{broker.port} does not answer: "
                f"{error.strerror or error}; is it running, and may this machine reach it?"
            )


def _is_agent_running(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(lock)
