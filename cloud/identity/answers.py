"""Answers to commands under their idempotency key: asking again answers again and does nothing.

The answer commits with what it is an answer to. A command that failed leaves nothing here.
"""

from hashlib import sha256
from typing import Final

from sqlalchemy import delete, insert, select

from cloud.identity.errors import BadKey, KeyReused
from cloud.identity.model import answer_table
from cloud.storage.unit import Work

KEY_CHARS_MIN: Final = 8
KEY_CHARS_MAX: Final = 128
KEPT_MS: Final = 24 * 3_600_000


def earlier_answer(work: Work, account_id: str, key: str, route: str, body: bytes) -> bytes | None:
    """What was answered to this very request before; None: it is new.

    route: method and path with its ids. Raises BadKey, or KeyReused for another request.
    """
    if not (KEY_CHARS_MIN <= len(key) <= KEY_CHARS_MAX and key.isascii() and key.isprintable()):
        text = f"an idempotency key has {KEY_CHARS_MIN} to {KEY_CHARS_MAX} printable characters"
        raise BadKey(text)
    c = answer_table.c
    known = select(c.request_hash, c.answer).where(c.account_id == account_id, c.key == key)
    row = work.execute(known).first()
    if row is None:
        return None
    if row.request_hash != _hash(route, body):
        raise KeyReused
    return bytes(row.answer)


def keep_answer(
    work: Work, account_id: str, key: str, route: str, body: bytes, answer: bytes
) -> None:
    """Keep the answer for whoever asks again. Never give it a door code: it lies here for a day."""
    work.execute(
        insert(answer_table).values(
            account_id=account_id,
            key=key,
            request_hash=_hash(route, body),
            answer=answer,
            created_ms=work.now_ms,
        )
    )


def sweep_answers(work: Work) -> int:
    """Forget answers that nobody will ask for again; how many."""
    old = answer_table.c.created_ms <= work.now_ms - KEPT_MS
    return work.execute(delete(answer_table).where(old)).rowcount


def _hash(route: str, body: bytes) -> str:
    return sha256(route.encode() + b"\0" + body).hexdigest()
