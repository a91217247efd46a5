"""How a server is reached, for environments that people have."""

import ssl
from pathlib import Path

import certifi
import httpx
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.formats.http_access import access_to, is_local

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.upper, VARIABLES), "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "LOCALHOST", "a.localhost"])
def test_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "ftp://broken")
    assert is_local(f"http://{host}:8000/v1")
    assert access_to(f"http://{host}:8000/v1").proxy is None


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "10.0.0.1", "localhost.example.com"])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    assert not is_local(f"http://{host}/v1")


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://host/v1", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://host/v1", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://host/v1", None),
        ({"all_proxy": "p:3128"}, "http://host/v1", "http://p:3128"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "host"}, "http://host/v1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}, "http://host/v1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": ".corp"}, "http://a.corp/v1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "corp"}, "http://notcorp/v1", "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3/v1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "x, [2001:db8::1]"}, "http://[2001:db8::1]:8000/v1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "[::1], 2001:db8::1"}, "http://[2001:db8::1]/v1", None),
    ],
)
def test_the_proxy_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    access = access_to(url)
    assert access.proxy == proxy
    httpx.Client(**access.for_client()).close()  # the client takes what the policy gives it


@pytest.mark.parametrize("value", ["ftp://p", "http://", "http://[::1", "http://p:port", "socks9://p"])
def test_an_unusable_proxy_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(UnavailableError) as error:
        access_to("https://host/v1")
    assert "HTTPS_PROXY" in error.value.hint


def test_a_socks_proxy_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="socksio") as error:
        access_to("https://host/v1")
    assert "ALL_PROXY" in error.value.hint


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_stale_certificates_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv(name, str(tmp_path / "gone"))
    with pytest.raises(UnavailableError, match=name):
        access_to("https://host/v1")
    assert access_to("http://host/v1").verify is False  # not asked for where there is no TLS


def test_a_file_that_holds_no_certificates_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "certs.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certs.pem"))
    with pytest.raises(UnavailableError, match="SSL_CERT_FILE"):
        access_to("https://host/v1")


def test_good_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access_to("https://host/v1").verify is True
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert isinstance(access_to("https://host/v1").verify, ssl.SSLContext)
