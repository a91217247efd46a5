"""Which API key may go to which server, and what is removed from replies so that no key is ever written down.

A configuration may come from a pull request. It may therefore not choose freely which variable of the environment is
sent to which host:

    EVALKIT_…                    to the server that the configuration names; within `EVALKIT_KEY_HOSTS`, where set
    a provider's own variable    to that provider's hosts alone (`OPENAI_API_KEY`: api.openai.com)
    any other variable           only if the command line allows it: `--allow-key-variable NAME`
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from evalkit.api.errors import ConfigError

OWN_HOSTS = {
    "OPENAI_API_KEY": ("api.openai.com",),
    "DASHSCOPE_API_KEY": ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
    "HF_TOKEN": ("router.huggingface.co",),
    "TOGETHER_API_KEY": ("api.together.xyz", "api.together.ai"),
    "OPENROUTER_API_KEY": ("openrouter.ai",),
}
"""Variable of a provider -> the hosts that its key is for."""
ALLOWED = "EVALKIT_ALLOW_KEY_VARIABLE"
"""Names of further variables that may be sent, with commas or spaces between them; set by `--allow-key-variable`."""
HOSTS = "EVALKIT_KEY_HOSTS"
"""Hosts that may get a key, as a list in the same form; `*.example.com` means the hosts below. Unset: any host."""
REPLACEMENT = "***"
LEAST_SECRET = 8
"""Letters of a key that is removed from replies: a shorter one may be an ordinary word."""
_SECRET_NAME = re.compile(r"key|token|secret|password|passwd|signature|credential|^sig$|^auth", re.IGNORECASE)


def api_key(name: str, url: str) -> str:
    """The key in the variable `name` for the server at `url`; empty if the variable is not set.

    Raises:
        ConfigError: this variable may not be sent to this host, or it holds characters that no key has.
    """
    check_variable(name, url)
    return checked_key(os.environ.get(name, ""), name)


def checked_key(key: str, where: str) -> str:
    """The key without blanks around it. Raises `ConfigError` if it holds characters that no key has."""
    key = key.strip()
    if not (key.isascii() and (not key or key.isprintable())):
        raise ConfigError("the API key holds characters that no key has", where=where, hint="set it once more")
    return key


def check_variable(name: str, url: str) -> None:
    """Raise `ConfigError` if the variable `name` may not be sent to the host of `url`."""
    host = (urlsplit(url).hostname or "").lower()
    if name in OWN_HOSTS and name not in _listed(ALLOWED):
        if host not in OWN_HOSTS[name]:
            raise ConfigError(
                f"${name} goes to {' or '.join(OWN_HOSTS[name])} alone, not to {host}",
                hint=f"put this server's key in a variable of its own, EVALKIT_…, or add --allow-key-variable {name}",
            )
    elif not name.startswith("EVALKIT_") and name not in _listed(ALLOWED):
        raise ConfigError(
            f"a configuration may not send the variable ${name}",
            hint=f"name it EVALKIT_…, or add --allow-key-variable {name} to the command",
        )
    hosts = _listed(HOSTS)
    if hosts and not any(_is_host(host, each) for each in hosts):
        raise ConfigError(f"${HOSTS} does not list {host}, so that it gets no key", hint=f"add {host} to ${HOSTS}")


def goes_to(name: str, url: str) -> bool:
    """Whether the key of a provider may go to the host of `url`."""
    return (urlsplit(url).hostname or "").lower() in OWN_HOSTS[name] or name in _listed(ALLOWED)


def secret_in_query(url: str) -> str:
    """Name of a parameter of an address that seems to hold a key, empty if there is none."""
    names: Iterable[str] = (name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return next((name for name in names if _SECRET_NAME.search(name)), "")


def without_key(text: str, key: str) -> str:
    """A foreign text in which the key is replaced: some servers repeat it, and so may a model."""
    return text.replace(key, REPLACEMENT) if len(key) >= LEAST_SECRET else text


def _listed(variable: str) -> list[str]:
    return os.environ.get(variable, "").replace(",", " ").split()


def _is_host(host: str, pattern: str) -> bool:
    pattern = pattern.lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
