"""
Where our clients may connect to.

A base URL is typed by a person, and a token goes with every call: so https only, a public host, no redirects, and the address is checked
once more on the connected socket, because a name can resolve to something else by then.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from inventory_sync.domain.errors import SetupError

_NAT64, _LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48")


def check_base_url(url: str, *, channel: str = "", allow_private_hosts: bool = False) -> str:
    """
    The base URL without its last slash, if we may send tokens there.

    :param allow_private_hosts: the sandbox on this machine; plain http is then allowed as well.
    :raises SetupError: not http(s), with user, query or fragment, or (unless allowed) http or a private, loopback or link-local host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SetupError(f"not a usable address: {error}", channel=channel) from error
    if parts.scheme not in ("http", "https") or not host:
        raise SetupError("a base address must begin with https:// and name a host", channel=channel)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise SetupError("a base address holds no user, query or fragment", channel=channel)
    if not allow_private_hosts:
        if parts.scheme != "https":
            raise SetupError("a base address must begin with https://", channel=channel)
        if is_local_name(host):
            raise SetupError(f"{host} is not a public host", channel=channel)
    return url.rstrip("/")


def is_local_name(host: str) -> bool:
    """Whether the host is, by its own spelling, not on the public internet. Names are resolved only when we connect."""
    name = host.rstrip(".").lower()
    try:
        return not is_public_address(name)
    except ValueError:
        if name.replace(".", "").isdigit() or name.startswith("0x"):
            return True  # 2130706433 and 0x7f.1 are loopback to some resolvers
        return "." not in name or name.endswith((".localhost", ".local", ".internal", ".home.arpa"))


def is_public_address(address: str) -> bool:
    """
    Whether an IP address is on the public internet (IPv4 inside IPv6 counts as the IPv4 one).

    :raises ValueError: not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _LOCAL_NAT64:
            return False
        nat64 = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        inner = nat64 or ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def _checked(connection: HTTPConnection, sock: socket.socket) -> socket.socket:
    address = str(sock.getpeername()[0])
    if is_public_address(address):
        return sock
    sock.close()
    raise NewConnectionError(connection, f"{connection.host} resolves to {address}, which is not public")


class _PublicHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn())


class _PublicHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn())


class _PublicHTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PublicHTTPConnection


class _PublicHTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPSConnection


class PublicHostsAdapter(HTTPAdapter):
    """A requests transport that speaks to public addresses only. The check comes before TLS and before any byte is sent."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PublicHTTPPool, "https": _PublicHTTPSPool}
