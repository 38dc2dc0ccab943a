"""`anju ca`: an installation's certificate authorities, and codes with which gateways enrol."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import Certificate
from sqlalchemy import URL

from anju.db import add_installation, settings_of, with_store
from anju.errors import CannotRun
from anju.output import Commands, add_json, show
from cloud.clock import SystemClock
from cloud.fleet.authority import (
    CERTIFICATE_DAYS,
    FOR_ALL,
    GATEWAYS,
    OWNER_ONLY,
    SERVICES,
    Authority,
    gateways_of,
    serial_of,
    services_of,
    write,
)
from cloud.fleet.certificates import Kind, key_pem, new_key, pem, read_request
from cloud.fleet.codes import CODE_S, make_code
from cloud.fleet.errors import BadRequest, FleetError, NothingToRevoke
from cloud.identity.tokens import SystemSecrets
from cloud.storage.postgres import is_postgres
from cloud.storage.unit import Work

HOUR_S: Final = 3600


class Place(NamedTuple):
    """Where an installation has its CAs and its store."""

    ca_dir: Path
    store: URL

    def authority(self, kind: Kind) -> Authority:
        """Who signs such a certificate."""
        find = gateways_of if kind is Kind.GATEWAY else services_of
        return find(self.ca_dir, SystemClock())


Verb = Callable[[argparse.Namespace, Place], dict[str, Any]]


def add(commands: Commands) -> None:
    """The sub-command and its verbs."""
    parser = commands.add_parser("ca", help="certificates of gateways, brokers and services")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    init = _verb(verbs, "init", _init, "make both CAs, for gateways and for brokers and services")
    init.add_argument("--name", default="Anju", help="what their certificates say")

    sign = _verb(verbs, "sign", _sign, "sign a certificate: of a broker, a service or a gateway")
    sign.add_argument("name", help="gw-…, svc-…, or of a broker its host's name")
    sign.add_argument("--host", action="append", default=[], help="a broker's further names")
    sign.add_argument("--csr", type=Path, metavar="FILE", help="request of a key made elsewhere")
    sign.add_argument("--days", type=int, default=CERTIFICATE_DAYS)
    sign.add_argument("--out", type=Path, metavar="DIR", required=True)

    revoke = _verb(verbs, "revoke", _revoke, "take certificates back, for good")
    revoke.add_argument("name", help="whose certificates, or one certificate's serial")
    revoke.add_argument("--reason", default="unspecified")

    code = _verb(verbs, "code", _code, "a one-time code for `anju edge enrol`")
    code.add_argument("gateway", help="its id, as the registry has it")
    code.add_argument("--hours", type=int, default=CODE_S // HOUR_S, help="how long it is good")


def run(args: argparse.Namespace) -> int:
    """0: done; 1: refused, and why."""
    verb: Verb = args.do
    try:
        done = verb(args, _place(args))
    except FleetError as error:
        show(args, {"ok": False, "problems": [str(error)]}, [str(error)])
        return 1
    except OSError as error:
        raise CannotRun(f"{error.filename or 'a file'} cannot be used: {error.strerror}") from error
    lines = [f"{key}: {_shown(value)}" for key, value in done.items()]
    show(args, {"ok": True, "problems": [], **done}, lines)
    return 0


def _init(args: argparse.Namespace, place: Place) -> dict[str, Any]:
    return {"ca_dir": str(init(place, args.name))}


def init(place: Place, name: str) -> Path:
    """Both CAs; their folder. Raises FleetError."""
    for kind in (Kind.GATEWAY, Kind.SERVICE):
        authority = place.authority(kind)
        authority.create(f"{name} {authority.folder.name}")
    return place.ca_dir


def _sign(args: argparse.Namespace, place: Place) -> dict[str, Any]:
    kind = _kind_of(args.name)
    key, public = _keys(args, kind)
    signed = _signed(place, kind, public, args.name, args.host, args.days)
    written = _leave(place, args.out, kind, args.name, signed, key)
    files = sorted(str(path) for path in written)
    return {"kind": str(kind), "serial": serial_of(signed), "files": files}


def sign_ours(place: Place, name: str, out: Path, hosts: Sequence[str] = ()) -> None:
    """A new key of a service or a broker, its certificate and what belongs beside it. Raises
    FleetError."""
    kind, key = _kind_of(name), new_key()
    signed = _signed(place, kind, key.public_key(), name, hosts, CERTIFICATE_DAYS)
    _leave(place, out, kind, name, signed, key)


def _signed(
    place: Place,
    kind: Kind,
    public: ec.EllipticCurvePublicKey,
    name: str,
    hosts: Sequence[str],
    days: int,
) -> Certificate:
    names = [name, *hosts] if kind is Kind.SERVER else [name]
    return place.authority(kind).sign(public, kind, names, days)


def _leave(
    place: Place,
    out: Path,
    kind: Kind,
    name: str,
    signed: Certificate,
    key: ec.EllipticCurvePrivateKey | None,
) -> list[Path]:
    """The files that have been written."""
    stem = "server" if kind is Kind.SERVER else name
    out.mkdir(parents=True, exist_ok=True)
    files = {f"{stem}.pem": pem(signed).encode()}
    if kind is Kind.SERVER:
        files |= _for_a_broker(place)
    else:
        files["ca.pem"] = _read(place, SERVICES, "ca.pem")
    if key is not None:
        files[f"{stem}.key"] = key_pem(key)
    for file, text in files.items():
        write(out / file, text, OWNER_ONLY if file.endswith(".key") else FOR_ALL)
    return [out / file for file in files]


def _revoke(args: argparse.Namespace, place: Place) -> dict[str, Any]:
    """Of a gateway the running platform sees it within a second, tells the broker and ends the
    connection. The list of the other CA, `services/crl.pem`, is carried to the broker by hand."""
    for kind in (Kind.GATEWAY, Kind.SERVICE):
        try:
            taken = place.authority(kind).revoke(args.name, args.reason)
        except NothingToRevoke:
            continue
        return {"revoked": [{"serial": each.serial, "name": each.name} for each in taken]}
    raise NothingToRevoke(args.name)


def _code(args: argparse.Namespace, place: Place) -> dict[str, Any]:
    url = place.store
    if not is_postgres(url) and not Path(url.database or "").is_file():
        raise CannotRun(f"there is no {url.database}: give --config or --data of the platform")

    def make(work: Work) -> str:
        return make_code(work, args.gateway, SystemSecrets(), args.hours * HOUR_S)

    code = with_store(url, lambda store: store.write(make))
    return {"gateway": args.gateway, "code": code, "hours": args.hours}


# ---------------------------------------------------------------- parts of them


def _verb(verbs: Commands, name: str, do: Verb, text: str) -> argparse.ArgumentParser:
    one = verbs.add_parser(name, help=text)
    add_installation(one)
    add_json(one)
    one.set_defaults(run=run, do=do)
    return one


def _place(args: argparse.Namespace) -> Place:
    settings = settings_of(args)
    return Place(settings.fleet.ca_dir, settings.store)


def _kind_of(name: str) -> Kind:
    """By the form that the name has; what only begins like one of ours is refused by the CA."""
    if name.startswith("gw-"):
        return Kind.GATEWAY
    return Kind.SERVICE if name.startswith("svc-") else Kind.SERVER


def _keys(
    args: argparse.Namespace, kind: Kind
) -> tuple[ec.EllipticCurvePrivateKey | None, ec.EllipticCurvePublicKey]:
    if args.csr is not None:
        request = read_request(args.csr.read_text("ascii", errors="replace"))
        if request.name not in (None, args.name):
            raise BadRequest(f"the request names '{request.name}', not '{args.name}'")
        return None, request.public_key
    if kind is Kind.GATEWAY:
        raise BadRequest("a gateway's key is made on the gateway: give its request with --csr")
    key = new_key()
    return key, key.public_key()


def _for_a_broker(place: Place) -> dict[str, bytes]:
    """By the names that config/mosquitto/cloud.conf has."""
    return {
        f"{by}-{ending}.pem": _read(place, by, f"{ending}.pem")
        for by in (GATEWAYS, SERVICES)
        for ending in ("ca", "crl")
    }


def _read(place: Place, by: str, name: str) -> bytes:
    return (place.ca_dir / by / name).read_bytes()


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)
