"""The demo's accounts, from config/demo/accounts.yaml, with random passwords."""

from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from cloud.dictionary import read_as
from cloud.identity import store
from cloud.identity.passwords import Passwords
from cloud.identity.policy import Role, normal_login
from cloud.identity.service import AccountEntry, add_account
from cloud.identity.sessions import make_link
from cloud.identity.tokens import Secrets
from cloud.storage.unit import Work


class _Accounts(Struct, frozen=True):
    accounts: tuple[AccountEntry, ...]


class DemoAccount(NamedTuple):
    """What the demo prints once. password None: it was printed at an earlier start."""

    role: Role
    login: str
    name: str
    password: str | None
    link_token: str


def make_demo_accounts(
    work: Work, secrets: Secrets, config_dir: Path, passwords: Passwords
) -> list[DemoAccount]:
    """Make the accounts that are missing, and a new sign-in link for each.

    For the start only: it hashes inside the transaction. Raises BadConfiguration.
    """
    entries = read_as(config_dir / "demo" / "accounts.yaml", _Accounts).accounts
    return [_make(work, entry, secrets, passwords) for entry in entries]


def _make(work: Work, entry: AccountEntry, secrets: Secrets, passwords: Passwords) -> DemoAccount:
    found = store.account_by_login(work, normal_login(entry.login))
    password = None
    if found is None:
        password = secrets.password()
        account = add_account(work, entry, passwords.hash(password))
    else:
        account = found[0]
    link_token = make_link(work, account.id, secrets)
    return DemoAccount(account.role, account.login, account.name, password, link_token)
