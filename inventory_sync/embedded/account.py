"""Who the servers run as: we ourselves, or, because PostgreSQL refuses root, an existing unprivileged account."""

import os
import pwd
from dataclasses import dataclass
from typing import Any

from inventory_sync.embedded.errors import EmbeddedServerError

UNPRIVILEGED = ("nobody", "daemon")  # exist on every Unix; no account is ever added


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user that the servers run as instead of root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """
    Tell which account the servers must be started under.

    :return: None where that is the caller's own, which is so unless the caller is root.
    :raises EmbeddedServerError: we are root and this system has no unprivileged account.
    """
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedServerError(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(UNPRIVILEGED)} exists; "
        "run as another user, or set DATABASE_URL and REDIS_URL"
    )


def popen_identity(account: Account | None) -> dict[str, Any]:
    """Return the arguments that make ``subprocess`` start a child under this account, with no other groups."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
