"""Reads untrusted YAML: plain values only, no anchors (alias bombs), no duplicate keys, bounded in size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 500_000


def read_yaml(path: Path, error: type[UsageError]) -> dict[str, JSON]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        error: the file is missing, larger than `MAX_BYTES`, not UTF-8 or not a mapping, or it has anchors, aliases,
            tags or duplicate keys; names file and line.
    """
    text = _read_text(path, error)
    import yaml

    try:
        value = yaml.load(text, Loader=_strict_loader())  # noqa: S506 - a SafeLoader with more refusals
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise error(str(problem.problem), where=f"{path}:{line}", hint="write plain YAML") from problem
    except (yaml.YAMLError, ValueError) as problem:
        raise error(f"bad YAML: {problem}", where=str(path), hint="write plain YAML") from problem
    except RecursionError as problem:
        raise error("YAML nested too deeply", where=str(path), hint="flatten the file") from problem
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise error(
            "the file is not a mapping of keys to values", where=str(path), hint="write lines of the form `key: value`"
        )
    return value


def _read_text(path: Path, error: type[UsageError]) -> str:
    try:
        if not path.is_file():
            raise error("no such file", where=str(path), hint="check the path, or write the file")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise error(
                f"the file has {size} bytes; at most {MAX_BYTES} are read",
                where=str(path),
                hint="is this the right file?",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"not UTF-8 (byte {problem.start + 1})", where=str(path), hint="save it as UTF-8") from problem
    except OSError as problem:
        what = f"can't be read: {problem.strerror or problem}"
        raise error(what, where=str(path), hint="check the file") from problem


def _strict_loader() -> type[yaml.SafeLoader]:
    import yaml

    class StrictLoader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # untyped in PyYAML
            if getattr(event, "anchor", None) is not None:
                raise yaml.MarkedYAMLError(problem="anchors and aliases are not read", problem_mark=event.start_mark)
            if getattr(event, "tag", None) is not None:
                raise yaml.MarkedYAMLError(problem="tags are not read", problem_mark=event.start_mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
                if key.value in seen:
                    problem = f"key {key.value!r} is given twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return StrictLoader
