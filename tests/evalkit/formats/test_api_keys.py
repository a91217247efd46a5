"""Which variable may go to which host."""

import pytest

from evalkit.api.errors import ConfigError
from evalkit.formats.api_keys import ALLOWED, HOSTS, api_key, goes_to, secret_in_query, without_key


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ALLOWED, HOSTS):
        monkeypatch.delenv(name, raising=False)
    for name in ("EVALKIT_MINE", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, f"the key in {name}".replace(" ", "-"))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("EVALKIT_MINE", "https://anywhere.example/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com/v1"),
        ("OPENAI_API_KEY", "https://API.OPENAI.COM/v1"),
    ],
)
def test_a_key_goes_where_it_may(name: str, url: str) -> None:
    assert api_key(name, url) == f"the-key-in-{name}"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("AWS_SECRET_ACCESS_KEY", "https://anywhere.example/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com.evil.example/v1"),
        ("OPENAI_API_KEY", "https://evil.example/api.openai.com"),
        ("OPENAI_API_KEY", "https://api.openai.com@evil.example/v1"),
    ],
)
def test_a_config_can_not_send_a_key_elsewhere(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    with pytest.raises(ConfigError, match=name) as error:
        api_key(name, url)
    assert f"--allow-key-variable {name}" in error.value.hint
    monkeypatch.setenv(ALLOWED, f"OTHER {name}")
    assert api_key(name, url)
    if name == "OPENAI_API_KEY":
        assert goes_to(name, url)


def test_listed_hosts_alone_get_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "images.example.com, *.lab.example")
    assert api_key("EVALKIT_MINE", "https://images.example.com/v1")
    assert api_key("EVALKIT_MINE", "https://a.lab.example:8443/v1")
    for host in ("evil.example", "lab.example", "images.example.com.evil.example", "notlab.example"):
        with pytest.raises(ConfigError, match="EVALKIT_KEY_HOSTS"):
            api_key("EVALKIT_MINE", f"https://{host}/v1")


@pytest.mark.parametrize("name", ["api_key", "apikey", "key", "access_token", "X-Amz-Signature", "sig", "auth"])
def test_keys_in_an_address_are_noticed(name: str) -> None:
    assert secret_in_query(f"https://host/v1?version=2&{name}=abc") == name


def test_other_parameters_are_no_keys() -> None:
    assert not secret_in_query("https://host/v1?api-version=2024-06-01&deployment=x")


def test_a_key_is_replaced_but_a_short_word_is_not() -> None:
    assert without_key("Bearer sk-12345678!", "sk-12345678") == "Bearer ***!"
    assert without_key("none at all", "none") == "none at all"
