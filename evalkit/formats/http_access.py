"""How a server is reached: through which proxy and with which certificates. One policy for generators and judges.

The environment is read once for each server, before work: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY (each also in
lower case), SSL_CERT_FILE, SSL_CERT_DIR. A server on this machine is reached without any of them. `.netrc` is not read:
a key goes where evalkit sends it (`evalkit.formats.api_keys`), nowhere else.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import ssl
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from evalkit.api.errors import UnavailableError

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Access(NamedTuple):
    """How one server is reached.

    Args:
        proxy: address of the proxy, `None` for a direct connection.
        verify: the trusted certificates; true for those that come with the HTTP client, false where there is no TLS
            (loading certificates takes a fifth of a second).
    """

    proxy: str | None
    verify: ssl.SSLContext | bool

    def for_client(self) -> dict[str, Any]:
        """The arguments of an `httpx` client."""
        return {"proxy": self.proxy, "verify": self.verify, "trust_env": False}


def access_to(url: str) -> Access:
    """How the server of an http(s) address is reached from this machine.

    Raises:
        UnavailableError: a variable of the environment is unusable; the message names it.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    proxy = None if is_local(url) else _proxy(parts.scheme, host)
    if parts.scheme != "https" and not (proxy or "").startswith("https"):
        return Access(proxy, False)
    return Access(proxy, True if is_local(url) else _certificates())


def is_local(url: str) -> bool:
    """Whether an address is on this machine: a loopback address, `localhost`, or a name below `localhost`."""
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy for a host, from the environment or the settings of the system."""
    proxies = urllib.request.getproxies()
    if _is_exempt(host, proxies.get("no", "")):
        return None
    kind = scheme if proxies.get(scheme) else "all"
    address = proxies.get(kind)
    if not address:
        return None
    address = address if "://" in address else f"http://{address}"
    name = _variable_of(kind)
    unset = f"correct or unset {name}; or name the server's host in NO_PROXY"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UnavailableError("this is no address of a proxy", where=name, hint=unset)
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise UnavailableError(
            "a SOCKS proxy needs the package socksio", where=name, hint=f"install that package; or {unset}"
        )
    return address


def _is_exempt(host: str, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names a host: itself, a domain above it, a network that contains it, or `*`."""
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        name = urlsplit(f"//{entry}").hostname if entry.startswith("[") and "]" in entry else entry
        name = (name or "").lstrip(".")
        if name == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
        try:
            if name and ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                return True
        except ValueError:  # one of them is a name
            pass
    return False


def _certificates(environment: Mapping[str, str] = os.environ) -> ssl.SSLContext | bool:
    """The certificates that the environment names; true if it names none."""
    named = {name: environment[name] for name in _CERTIFICATES if environment.get(name)}
    for name, place in named.items():
        try:
            if name == "SSL_CERT_FILE":
                ssl.create_default_context(cafile=place)
            elif not Path(place).is_dir():
                raise FileNotFoundError(place)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise UnavailableError(
                "no certificates can be read from there", where=f"{name}={place}", hint=f"correct or unset {name}"
            ) from error
    if not named:
        return True
    return ssl.create_default_context(cafile=named.get("SSL_CERT_FILE"), capath=named.get("SSL_CERT_DIR"))


def _variable_of(kind: str) -> str:
    """The variable that a proxy comes from; the system's settings if it is none."""
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's proxy settings")
