"""`anju accounts`: the first administrator, and the way back in for one who is shut out.

It writes the store itself, so whoever may run it owns the installation; each use is in the audit.
Everything else about accounts is done by administrators, over HTTP.
"""

import argparse
from collections.abc import Callable
from typing import Any

from anju.db import add_installation, keeper_of, settings_of, with_store
from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table
from cloud.identity import audit, bounds, service, sessions, store
from cloud.identity.bounds import AccountRow
from cloud.identity.errors import IdentityError
from cloud.identity.model import Account
from cloud.identity.policy import Role, normal_login
from cloud.identity.scope import WHOLE
from cloud.identity.service import AccountEntry, add_account
from cloud.identity.tokens import SystemSecrets
from cloud.storage import migrate
from cloud.storage.unit import Work

CLI = "cli"


def add(commands: Commands) -> None:
    """The sub-command and its verbs."""
    parser = commands.add_parser("accounts", help="the first administrator, and ways back in")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, do, text in (
        ("create", _create, "a new account; prints its one-time link"),
        ("link", _link, "a new one-time link"),
        ("reset", _reset, "no password, no second factor, no session; prints a one-time link"),
        ("list", _list, "who may sign in"),
    ):
        one = verbs.add_parser(name, help=text)
        add_installation(one)
        if name == "create":
            _add_entry(one)
        if name in ("link", "reset"):
            one.add_argument("login")
        add_json(one)
        one.set_defaults(run=run, do=do)


def _add_entry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", choices=list(Role), required=True)
    parser.add_argument("--login", required=True)
    parser.add_argument("--name", required=True, help="as colleagues write it")
    parser.add_argument("--name-en", help="in Latin letters; else as --name")
    parser.add_argument("--area", help="an administrator without one enters the first area")
    parser.add_argument("--station", help="for role station")
    parser.add_argument("--responder", help="for role responder")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")


def run(args: argparse.Namespace) -> int:
    """0: done. Raises CannotRun where it cannot be done."""
    keeper = keeper_of(settings_of(args))
    if args.do is _create:  # it may be the very first thing that is done with an installation
        keeper.prepare()
        migrate.upgrade(keeper.url)
    keeper.require()
    do: Callable[[argparse.Namespace, Work], dict[str, Any]] = args.do
    try:
        document = with_store(keeper.url, lambda kept: kept.write(lambda work: do(args, work)))
    except IdentityError as error:
        raise CannotRun(str(error)) from error
    show(args, document, _lines(document))
    return 0


def _create(args: argparse.Namespace, work: Work) -> dict[str, Any]:
    entry = AccountEntry(
        login=args.login,
        role=Role(args.role),
        name=args.name,
        name_en=args.name_en or args.name,
        area=args.area,
        station=args.station,
        responder=args.responder,
        lang=args.lang,
    )
    account = add_account(work, entry, None)
    _note(work, "accounts create", account)
    return _linked(account, sessions.make_link(work, account.id, SystemSecrets()))


def _link(args: argparse.Namespace, work: Work) -> dict[str, Any]:
    account = _named(work, args.login)
    _note(work, "accounts link", account)
    return _linked(account, sessions.make_link(work, account.id, SystemSecrets()))


def _reset(args: argparse.Namespace, work: Work) -> dict[str, Any]:
    account = _named(work, args.login)
    _note(work, "accounts reset", account)
    return _linked(account, service.reset(work, account.id, SystemSecrets()))


def _list(_args: argparse.Namespace, work: Work) -> dict[str, Any]:
    return {"accounts": [_shown(row) for row in bounds.accounts_of(work, WHOLE)]}


def _named(work: Work, login: str) -> Account:
    found = store.account_by_login(work, normal_login(login))
    if found is None:
        raise CannotRun(f"nobody may sign in as '{login}': see anju accounts list")
    return found[0]


def _note(work: Work, what: str, account: Account) -> None:
    deed = audit.Deed(CLI, what, account.id, account.area_id or "", "", {"role": account.role})
    audit.write_down(work, deed)


def _linked(account: Account, token: str) -> dict[str, Any]:
    link = sessions.link_path(token)
    return {"id": account.id, "login": account.login, "role": account.role, "link": link}


def _shown(row: AccountRow) -> dict[str, Any]:
    account = row.account
    return {
        "login": account.login,
        "role": str(account.role),
        "area": account.area_id,
        "is_active": row.is_active,
        "has_second_factor": row.has_second_factor,
    }


def _lines(document: dict[str, Any]) -> list[str]:
    if "link" in document:
        return [
            f"{document['role']} {document['login']}; sign in once, within 24 hours, at",
            f"  <the address of the platform>{document['link']}",
        ]
    rows: list[dict[str, Any]] = document["accounts"]
    head = ("login", "role", "area", "may sign in", "second factor")
    return table(head, [tuple(row.values()) for row in rows])
