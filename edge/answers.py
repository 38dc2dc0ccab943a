"""What the cloud says of our rows and devices, written into the journal."""

import logging
from typing import Final

import msgspec

from contract.intervals import covers
from contract.lanes import ROW_LANES, Lane
from contract.messages import Ack, Config, DownMessage
from edge.journal.model import Row
from edge.journal.store import Journal
from edge.journal.view import View
from edge.journal.writing import Writing

log = logging.getLogger(__name__)
CONFIG: Final = "config"
EPOCH: Final = "cloud_epoch"


def apply(
    journal: Journal, work: Writing, message: DownMessage, wall_ms: int, version: str
) -> list[Row]:
    """Keep it; the rows that it acknowledges for the first time. version: this program's."""
    if isinstance(message, Config):
        work.set_meta(CONFIG, msgspec.json.encode(message).decode())
        return []
    if isinstance(message, Ack) and message.journal == journal.id:
        return _acknowledge(journal, work, message, wall_ms, version)
    return []


def stored_config(view: View) -> Config | None:
    """As the cloud last said; None where it never did, or said it in a way that this version cannot
    read. Raises JournalError."""
    stored = view.meta(CONFIG)
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=Config)
    except msgspec.DecodeError as error:
        log.warning(
            "the stored configuration cannot be read, the cloud will say it again: %s", error
        )
        return None


def offer_refused_again(journal: Journal, version: str) -> None:
    """At the start: what another version of this program said may be understood when this one says
    it. Raises JournalError."""
    if journal.view.refused():
        with journal.writing() as work:
            count = work.offer_refused_again(_judge(work.meta(EPOCH) or "", version))
        log.info("%d refused rows are offered to the cloud again", count)


def _judge(epoch: str, version: str) -> str:
    """Whose refusal it is: of this cloud, of what this version of ours said."""
    return f"{epoch} {version}"


def _acknowledge(
    journal: Journal, work: Writing, ack: Ack, wall_ms: int, version: str
) -> list[Row]:
    lane = Lane(ack.lane)
    _check_epoch(journal, work, ack, lane)
    if lane in ROW_LANES:
        if ack.refused:
            work.refuse(lane, ack.refused, _judge(ack.cloud_epoch, version))
        return work.acknowledge(lane, ack.seqs, wall_ms)
    work.acknowledge_intervals(lane, ack.intervals)
    return []


def _check_epoch(journal: Journal, work: Writing, ack: Ack, lane: Lane) -> None:
    """A cloud that was made new, or came back from a backup, is offered alarms and events again."""
    known = work.meta(EPOCH)  # as it stands in this transaction: one hello has four answers
    if known != ack.cloud_epoch:
        work.set_meta(EPOCH, ack.cloud_epoch)
        if known is not None:
            count = work.offer_again()
            log.warning("the cloud is another one (%s): %d rows wait again", known, count)
    elif ack.hello and lane not in ROW_LANES:
        had = journal.view.lanes()[lane].acked
        if not all(covers(ack.intervals, each) for each in had):
            count = work.offer_again()
            log.warning("the cloud has forgotten readings: %d rows wait again", count)
