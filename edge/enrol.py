"""Asking the cloud for a certificate: first with a one-time code, later with the present one."""

import http.client
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateSigningRequest
from msgspec import Struct

from contract.enrolment import (
    ENROL_PATH,
    RENEW_PATH,
    Enrolled,
    EnrolRequest,
    RenewRequest,
)
from edge import keys
from edge.errors import BadCertificate, NotEnrolled

ANSWER_S_MAX: Final = 20.0
ANSWER_BYTES_MAX: Final = 64 * 1024
HERE: Final = ("localhost", "127.0.0.1", "::1")
_encode = msgspec.json.Encoder().encode


class Platform(Struct, frozen=True):
    """The cloud's pages and interface. ca: by which it is known, None: the machine's own list."""

    url: str
    ca: Path | None = None


def enrol(platform: Platform, code: str, folder: Path, gateway: str | None) -> Enrolled:
    """Leaves `ca.pem` and `gateway.pem` in the folder. gateway: who we think we are.

    Where the answer is lost, the same code is good again, from here. Raises NotEnrolled,
    BadCertificate, OSError.
    """
    folder.mkdir(0o700, parents=True, exist_ok=True)
    file = folder / keys.CERTIFICATE_FILE
    key = keys.pending_key(file)
    request = keys.request_for(key, gateway)
    told = _ask(platform, ENROL_PATH, EnrolRequest(code, _pem(request)))
    keys.write_private(folder / keys.CA_FILE, told.ca.encode())
    keys.keep(file, key, told)
    return told


def renew(platform: Platform, file: Path) -> keys.Identity:
    """A new key and its certificate in the place of the present ones.

    Raises NotEnrolled, BadCertificate, OSError; then the present ones stand.
    """
    present = keys.read(file)
    key = keys.pending_key(file)
    request = keys.request_for(key, present.gateway)
    certificate = present.certificate.public_bytes(Encoding.PEM).decode()
    asked = RenewRequest(certificate, _pem(request), present.prove(request))
    told = _ask(platform, RENEW_PATH, asked)
    if told.gateway != present.gateway:
        raise BadCertificate(f"the cloud answered with a certificate of '{told.gateway}'")
    return keys.keep(file, key, told)


def _ask(platform: Platform, path: str, body: Struct) -> Enrolled:
    """Raises NotEnrolled."""
    _require_private(platform.url)
    url = platform.url.rstrip("/") + path
    headers = {"content-type": "application/json"}
    request = Request(url, _encode(body), headers, method="POST")  # noqa: S310 - http(s) only, see above
    try:
        context = ssl.create_default_context(cafile=platform.ca)
        # No proxy of the environment: a code is for nobody in between.
        opener = build_opener(HTTPSHandler(context=context), ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_S_MAX) as answer:
            return msgspec.json.decode(answer.read(ANSWER_BYTES_MAX), type=Enrolled)
    except HTTPError as error:
        with error:
            raise NotEnrolled(f"the cloud refuses: {_reason(error)}", error.code) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotEnrolled(f"{url} cannot be asked: {error}; is it right, and reachable?") from error
    except msgspec.DecodeError as error:
        raise NotEnrolled(f"{url} does not answer as the cloud does: {error}") from error


def _require_private(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise NotEnrolled(f"'{url}' must begin with https://; a code would be read on the way")


def _reason(error: HTTPError) -> str:
    try:
        told: Any = msgspec.json.decode(error.read(ANSWER_BYTES_MAX))
        return str(told["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError, OSError):
        return f"HTTP {error.code}"


def _pem(request: CertificateSigningRequest) -> str:
    return request.public_bytes(Encoding.PEM).decode()
