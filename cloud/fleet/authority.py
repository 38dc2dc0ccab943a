"""A CA in a folder of its own: `ca.key` (0600), `ca.pem`, `ledger.jsonl`, `crl.pem`.

There are two: one for gateways, whose key must be at hand where gateways are enrolled, and one for
brokers and our own services. So whoever steals the first can never pass for the broker.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cloud.clock import Clock
from cloud.fleet import certificates
from cloud.fleet.certificates import Issuer, Kind
from cloud.fleet.errors import AuthorityThere, NoAuthority, NothingToRevoke
from cloud.fleet.ledger import Issued, Ledger, Revoked, Standing

GATEWAYS: Final = "gateways"  # folders below the CA's
SERVICES: Final = "services"
AUTHORITY_DAYS: Final = 20 * 365
CERTIFICATE_DAYS: Final = 365
LIST_DAYS: Final = 90  # made anew each day; a broker with a list older than this takes nobody
DAY_MS: Final = 24 * 3_600_000
OWNER_ONLY: Final = 0o600
FOR_ALL: Final = 0o644


class Authority:
    """Safe from any thread, and beside other processes on the same folder."""

    def __init__(self, folder: Path, clock: Clock, list_days: int = LIST_DAYS) -> None:
        self.folder, self._clock, self._list_days = folder, clock, list_days
        self._ledger = Ledger(folder / "ledger.jsonl")
        self._mutex = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether a CA has been made here."""
        return (self.folder / "ca.pem").is_file()

    def create(self, name: str) -> None:
        """A new CA. Raises AuthorityThere, OSError."""
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        if self.is_there:
            raise AuthorityThere(self.folder)
        key = certificates.new_key()
        issuer = certificates.authority(key, name, self._clock.now_ms(), AUTHORITY_DAYS)
        write(self.folder / "ca.key", certificates.key_pem(key), OWNER_ONLY)
        write(self.folder / "ledger.jsonl", b"", OWNER_ONLY)
        write(self.folder / "ca.pem", certificates.pem(issuer.certificate).encode(), FOR_ALL)
        self.write_list()

    @property
    def certificate(self) -> x509.Certificate:
        """By which others know what this CA has signed. Raises NoAuthority."""
        return x509.load_pem_x509_certificate(self._read("ca.pem"))

    def standing(self) -> Standing:
        """What it has signed and taken back. Raises BrokenLedger."""
        with self._mutex:
            return self._ledger.standing()

    def sign(
        self,
        key: ec.EllipticCurvePublicKey,
        kind: Kind,
        names: Sequence[str],
        days: int = CERTIFICATE_DAYS,
    ) -> x509.Certificate:
        """Written down before it is given out. Raises BadName, NoAuthority, BrokenLedger."""
        now_ms = self._clock.now_ms()
        signed = certificates.issue(self._issuer(), key, kind, names, now_ms, days)
        until_ms = int(signed.not_valid_after_utc.timestamp() * 1000)
        with self._alone():
            self._ledger.standing()
            self._ledger.append([Issued(serial_of(signed), names[0], kind, now_ms, until_ms)])
        return signed

    def revoke(self, what: str, reason: str) -> list[Revoked]:
        """Every certificate of a name, or the one of a serial; and a new list.

        Raises NothingToRevoke, NoAuthority, BrokenLedger.
        """
        now_ms = self._clock.now_ms()
        with self._alone():
            found = self._ledger.standing().in_force(what)
            taken = [Revoked(each.serial, each.name, now_ms, reason) for each in found]
            if not taken:
                raise NothingToRevoke(what)
            self._ledger.append(taken)
        self.write_list()
        return taken

    def write_list(self) -> bytes:
        """The list of what is revoked and would still be valid, made anew; also in `crl.pem`."""
        issuer, now_ms = self._issuer(), self._clock.now_ms()
        with self._alone():
            standing = self._ledger.standing()
            revoked = [
                (int(each.serial, 16), each.at_ms)
                for each in standing.revoked.values()
                if standing.issued[each.serial].until_ms > now_ms - DAY_MS
            ]
            number = standing.count + now_ms // DAY_MS  # neither ever falls
            made = certificates.revocation_list(issuer, revoked, number, now_ms, self._list_days)
            text = certificates.pem(made).encode()
            write(self.folder / "crl.pem", text, FOR_ALL)
        return text

    def _issuer(self) -> Issuer:
        key = load_pem_private_key(self._read("ca.key"), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - made by create
        return Issuer(self.certificate, key)

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise NoAuthority(
                f"{self.folder / name} cannot be read: {error.strerror}; is there a CA?"
                " `anju ca init` makes one"
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer, among threads and processes."""
        with self._mutex, (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def gateways_of(ca_dir: Path, clock: Clock) -> Authority:
    """The one that signs gateways."""
    return Authority(ca_dir / GATEWAYS, clock)


def services_of(ca_dir: Path, clock: Clock) -> Authority:
    """The one that signs brokers and services. Its key may lie elsewhere, so nobody makes its list
    anew each day: it holds as long as the CA."""
    return Authority(ca_dir / SERVICES, clock, AUTHORITY_DAYS)


def serial_of(certificate: x509.Certificate) -> str:
    """As the ledger has it."""
    return f"{certificate.serial_number:x}"


def write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than `mode` says."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "wb") as file:
        os.fchmod(opened, mode)
        file.write(data)
        file.flush()
        os.fsync(opened)
    fresh.rename(path)
