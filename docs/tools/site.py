"""Hook of the site: shows CONTRIBUTING.md as a page, and makes links that leave docs/ plain text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page as the site shows it. Raises `FileNotFoundError` for a link to a file that is not there."""
    folder = ROOT / "docs" / Path(page.file.src_uri).parent
    if page.file.src_uri == "contributing.md":
        folder, markdown = ROOT, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return _LINK.sub(lambda link: _resolved(link, folder, page.file.src_uri), markdown)


def _resolved(link: re.Match[str], folder: Path, page: str) -> str:
    """A link to a page, relative to `page`; the path of any other file of the repository, as text."""
    text, target, anchor = link.groups()
    path = (folder / target).resolve()
    if not path.exists():
        raise FileNotFoundError(f"docs/{page} links to {target}, which is not there")
    docs = ROOT / "docs"
    if path.is_relative_to(docs):
        up = "../" * (len(Path(page).parts) - 1)
        return f"[{text}]({up}{path.relative_to(docs).as_posix()}{anchor or ''})"
    shown = path.relative_to(ROOT).as_posix()
    return f"`{shown}`" if text.strip("`") in (shown, path.name) else f"{text} (`{shown}`)"
