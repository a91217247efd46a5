"""Plug-ins that break their contract: exit code 2, a message that names what is missing, and nothing is started."""

import itertools
import textwrap
from pathlib import Path

import pytest

from evalkit.api.errors import ConfigError, PluginError, UnavailableError
from evalkit.cli import main
from evalkit.cli.checkup import Level, check_machine
from evalkit.plugins.registry import PluginSpec, create, load, try_out

JUDGES = """
from evalkit.api import ConfigError, Dimension, Settings, UnavailableError

class Good:
    Settings = Settings
    name, version, concurrency = "good", "1", 1
    dimensions = (Dimension("good", "nothing"),)
    def __init__(self, settings): self.settings = settings
    def fingerprint(self): return "1"
    def judge(self, picture, case, twin): raise NotImplementedError
    def controls(self): return ()
    def close(self): pass

class NoDimensions(Good):
    dimensions = property()          # as if the class had none

class NoSettings(Good):
    Settings = None

class OtherSettings(Good):
    Settings = dict

class Raises(Good):
    def __init__(self, settings): 1 / 0

class NoClose(Good):
    close = None

class NewerApi(Good):
    plugin_api = 2

class WrongArity(Good):
    def judge(self, picture, case): ...

class IsAsync(Good):
    async def judge(self, picture, case, twin): ...

class NoSettingsTaken(Good):
    def __init__(self): ...

class WrongDimensions(Good):
    dimensions = ("sharpness",)

class TwiceTheSame(Good):
    dimensions = Good.dimensions * 2

class NoConcurrency(Good):
    concurrency = 0

class OldHook(Good):
    after_generation = True
    def rest(self): ...

class WrongHook(Good):
    def attach(self): ...

class BadConfig(Good):
    def __init__(self, settings): raise ConfigError("no such server")

class NotHere(Good):
    def __init__(self, settings): raise UnavailableError("no GPU")

class FaultyFingerprint(Good):
    def fingerprint(self): raise KeyError("weights")

def function(settings): ...
"""
FAULTY = {
    "no-dimensions": ("NoDimensions", "it has no `dimensions`"),
    "no-settings": ("NoSettings", "it has no `Settings` (a subclass of `evalkit.api.Settings`)"),
    "other-settings": ("OtherSettings", "its `Settings` is not a subclass of `evalkit.api.Settings`"),
    "raises": ("Raises", "its constructor raised ZeroDivisionError: division by zero"),
    "no-close": ("NoClose", "it has no method `close`"),
    "newer-api": ("NewerApi", "it asks for plug-in API 2, and this evalkit has 1"),
    "wrong-arity": ("WrongArity", "its `judge` does not take (picture, case, twin)"),
    "is-async": ("IsAsync", "its `judge` is `async`"),
    "no-settings-taken": ("NoSettingsTaken", "its constructor does not take the settings as its only argument"),
    "wrong-dimensions": ("WrongDimensions", "its `dimensions` holds str, not only Dimension"),
    "twice-the-same": ("TwiceTheSame", "its `dimensions` names `good` twice"),
    "no-concurrency": ("NoConcurrency", "its `concurrency` is 0, not a whole number of at least 1"),
    "old-hook": ("OldHook", "it has `after_generation` but no method `release_device`"),
    "wrong-hook": ("WrongHook", "its `attach` does not take (folder)"),
    "function": ("function", "it is not a class but function"),
    "no-such-class": ("Nothing", "importing it raised AttributeError"),
}
OTHERS = {"good": "Good", "bad-config": "BadConfig", "not-here": "NotHere", "faulty-fingerprint": "FaultyFingerprint"}


@pytest.fixture(autouse=True)
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with these judges, found as any installed one."""
    folder = tmp_path / "site"
    info = folder / "acme_judges-0.3.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_judges.py").write_text(textwrap.dedent(JUDGES), encoding="utf-8")
    (folder / "acme_broken.py").write_text("def judge(:\n", encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-judges\nVersion: 0.3\n", encoding="utf-8")
    names = {name: cls for name, (cls, _) in FAULTY.items()} | OTHERS
    lines = [f"{name} = acme_judges:{cls}" for name, cls in names.items()]
    lines += ["syntax-error = acme_broken:Judge", "not-installed = acme_missing:Judge"]
    text = "\n".join(["[evalkit.judges]", *lines, "[evalkit.generators]", "no-methods = acme_judges:Good"])
    text += "\n[evalkit.exporters]\nno-export = acme_judges:Good\n"
    (info / "entry_points.txt").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_plugin_is_refused_by_name_and_distribution(name: str) -> None:
    with pytest.raises(PluginError) as caught:
        create("judges", PluginSpec(name))
    said = str(caught.value)
    assert f"the judge `{name}` of acme-judges 0.3 is faulty: " in said
    assert FAULTY[name][1] in said
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["no-dimensions", "no-settings", "raises", "no-close", "newer-api", "syntax-error"])
def test_exit_2_and_nothing_is_started(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--benchmark", "scenes", "--student", "scenes", "--teacher", "none", "--judge", name]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"`{name}` of acme-judges 0.3 is faulty" in said
    assert FAULTY.get(name, ("", "SyntaxError"))[1] in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_a_faulty_exporter_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evalkit.yaml").write_text(
        "benchmark: scenes\nstudent: scenes\njudges: [grain]\nexporters: [no-export]\nout: out\n", encoding="utf-8"
    )
    assert main(["run", "evalkit.yaml"]) == 2
    said = capsys.readouterr().err
    assert "the exporter `no-export` of acme-judges 0.3 is faulty: it has no method `export`" in said
    assert not (tmp_path / "out").exists()


def test_a_fingerprint_that_raises_is_the_plugin_s_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--benchmark", "scenes", "--student", "scenes", "--teacher", "none"]
    assert main([*arguments, "--judge", "faulty-fingerprint"]) == 2
    assert "`fingerprint` raised KeyError" in capsys.readouterr().err


def test_a_missing_package_is_no_fault_of_the_plugin() -> None:
    with pytest.raises(UnavailableError, match=r"`not-installed` of acme-judges 0\.3 can't be imported"):
        load("judges", "not-installed")


def test_a_plugin_s_own_errors_keep_their_meaning() -> None:
    with pytest.raises(ConfigError, match="no such server"):
        create("judges", PluginSpec("bad-config"))
    with pytest.raises(UnavailableError, match="no GPU"):
        create("judges", PluginSpec("not-here"))
    assert try_out("judges", "bad-config").problem is None, "other settings may be right"


def test_every_missing_method_is_named() -> None:
    with pytest.raises(PluginError) as caught:
        load("generators", "no-methods")
    assert str(caught.value).endswith(
        "it has no method `info`; its `fingerprint` does not take (case); it has no method `generate`"
    )


def test_doctor_and_list_say_which_are_faulty(capsys: pytest.CaptureFixture[str]) -> None:
    checks = itertools.takewhile(lambda check: check.name != "cache", check_machine())
    (judges,) = (check for check in checks if check.name == "judges")
    assert judges.level is Level.MISSING
    for name, (_, problem) in FAULTY.items():
        assert f"`{name}` of acme-judges 0.3" in judges.found
        assert problem in judges.found
    assert "the judge `good`" not in judges.found
    assert main(["list", "judges"]) == 0
    listed = capsys.readouterr().out
    assert all(any(line.split()[:3] == [name, "not", "usable:"] for line in listed.splitlines()) for name in FAULTY)
    assert "good: nothing (higher is better)" in listed


def test_the_plugins_of_evalkit_itself_are_not_faulty() -> None:
    from evalkit.plugins.registry import names

    for kind in ("benchmarks", "generators", "judges", "metrics", "exporters"):
        for name, entry in names(kind).items():
            if entry.value.startswith("evalkit."):
                assert try_out(kind, name).problem is None, name
    for kind in ("specimens", "training_data", "judge_data"):
        for name in names(kind):
            assert load(kind, name)
