"""Enrolling and renewing: from a request to a certificate.

It joins transactions, because a try is counted even where it fails, and signing stands between.
"""

import binascii
from base64 import b64decode
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from cloud.clock import Clock
from cloud.fleet.authority import gateways_of, serial_of, services_of
from cloud.fleet.certificates import Kind, Request, pem, read_request, spki
from cloud.fleet.codes import redeem
from cloud.fleet.errors import BadRequest, NoAuthority, NotRenewed
from cloud.fleet.settings import FleetSettings
from cloud.identity.pacing import charge, forgive
from cloud.identity.policy import Pace
from cloud.storage.store import Store
from cloud.storage.unit import Work
from contract.enrolment import Enrolled, EnrolRequest, Reach, RenewRequest, renewal_bytes

ENROLLING: Final = Pace(10, 1, 60)  # from one source; what was right is not counted


class Enrolment:
    """Who comes with a code or a good certificate gets one. Safe from any thread; blocks."""

    def __init__(self, store: Store, fleet: FleetSettings, clock: Clock) -> None:
        self._store, self._clock, self._fleet = store, clock, fleet
        self._gateways = gateways_of(fleet.ca_dir, clock)
        self._services = services_of(fleet.ca_dir, clock)

    def enrol(self, asked: EnrolRequest, address: str) -> Enrolled:
        """A code for a certificate. Raises BadCode, BadRequest, NoAuthority, SlowDown."""
        reach = self.require_ready()
        charged = self._store.write(lambda work: charge(work, "enrol", address, ENROLLING))
        request = read_request(asked.csr)
        key = sha256(spki(request.public_key)).hexdigest()

        def spend(work: Work) -> str:
            gateway = redeem(work, asked.code, key)
            _require_subject(request, gateway)  # the code is spent only where all is well
            return gateway

        gateway = self._store.write(spend)
        return self._certify(request, gateway, reach, charged)

    def renew(self, asked: RenewRequest, address: str) -> Enrolled:
        """A good certificate for the next one. Raises NotRenewed, BadRequest, NoAuthority,
        SlowDown."""
        reach = self.require_ready()
        charged = self._store.write(lambda work: charge(work, "renew", address, ENROLLING))
        request = read_request(asked.csr)
        gateway = self._holder(asked, request)
        _require_subject(request, gateway)
        return self._certify(request, gateway, reach, charged)

    def require_ready(self) -> Reach:
        """Where gateways find the broker. Raises NoAuthority."""
        if self._fleet.gateways_host is None or not self._gateways.is_there:
            raise NoAuthority(
                "nobody can be enrolled here: make a CA with `anju ca init`, and say in"
                " [fleet] gateways_host where gateways find the broker"
            )
        return Reach(self._fleet.gateways_host, self._fleet.gateways_port)

    def _certify(self, request: Request, gateway: str, reach: Reach, charged: str) -> Enrolled:
        signed = self._gateways.sign(request.public_key, Kind.GATEWAY, [gateway])
        self._store.write(lambda work: forgive(work, charged))
        return Enrolled(gateway, pem(signed), pem(self._services.certificate), reach)

    def _holder(self, asked: RenewRequest, request: Request) -> str:
        """Whose certificate it is, where it is good and its key has signed the request."""
        try:
            present = x509.load_pem_x509_certificate(asked.certificate.encode())
            present.verify_directly_issued_by(self._gateways.certificate)
            key, proof = present.public_key(), b64decode(asked.proof, validate=True)
            assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - we signed it
            key.verify(proof, renewal_bytes(request.der), ec.ECDSA(SHA256()))
        except (ValueError, TypeError, binascii.Error, InvalidSignature) as error:
            raise NotRenewed(
                "the certificate is not of this CA, or its key has not signed the request;"
                " enrol with a new code"
            ) from error
        standing = self._gateways.standing()
        issued = standing.issued.get(serial_of(present))
        if issued is None or issued.serial in standing.revoked or issued.name in standing.denied:
            raise NotRenewed("this certificate is revoked or unknown; enrol with a new code")
        if issued.until_ms <= self._clock.now_ms():
            raise NotRenewed("this certificate has expired; enrol with a new code")
        return issued.name


def _require_subject(request: Request, gateway: str) -> None:
    """A request may leave its name out, but not ask for another."""
    if request.name not in (None, gateway):
        raise BadRequest(f"the request names '{request.name}', the gateway is '{gateway}'")
