"""Writes the labelling page: one file with pictures, questions, style and script, and a policy that allows no more."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from evalkit.api import settings
from evalkit.api.errors import UsageError
from evalkit.api.labels import ANSWERS, FORMAT, SCHEMA, Kind, LabelItem, LabelQuestion, LabelSheet
from evalkit.api.pictures import read_file
from evalkit.api.records import JSON
from evalkit.formats.keys import digest
from evalkit.reports.escape import clip, script_json, visible
from evalkit.reports.files import replacing_file
from evalkit.reports.palette import palette

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
LONGEST_PROMPT = 8_000
WORDS: dict[Kind, dict[JSON, tuple[str, str]]] = {
    "scale": {
        1: ("1", "unusable"),
        2: ("2", "disturbing"),
        3: ("3", "seen at once, but bearable"),
        4: ("4", "seen only when looked for"),
        5: ("5", "nothing to object to"),
    },
    "yesno": {"no": ("n", "no"), "yes": ("y", "yes")},
    "pairwise": {"a": ("a", "A is better"), "b": ("b", "B is better"), "tie": ("t", "no difference")},
}
"""Answer -> its key and its words."""
QUESTION_TEXTS: dict[Kind, str] = {
    "scale": "How good is the picture in this?",
    "yesno": "Would you let the picture pass in this?",
    "pairwise": "Which picture is better in this?",
}


class PageSettings(settings.Settings):
    """`max_mb`: size limit of the page, MB. Browsers open pages of some hundred MB, but slowly."""

    max_mb: int = 200


class LabellingPage:
    """Writes the page on which people label pictures."""

    Settings = PageSettings

    def __init__(self, settings: PageSettings) -> None:
        self.settings = settings

    def write(self, sheet: LabelSheet, pictures: Mapping[str, Path], out: Path) -> Path:
        """Write the page to the file `out`; its path.

        Args:
            sheet: what is asked, in the order it is shown.
            pictures: sha256 -> file, of every picture and source that the sheet names; kept byte for byte.
            out: the file.

        Raises:
            UsageError: the page would be larger than `max_mb`.
            PictureError: a picture can't be read.
        """
        limit = self.settings.max_mb * 1_000_000
        needed = sum(_encoded_size(path) for path in pictures.values())
        if needed > limit:
            raise UsageError(
                f"{len(pictures)} pictures make a page of {needed / 1e6:,.0f} MB, at most {self.settings.max_mb} MB",
                where=str(out),
                hint="fewer pictures (`--n`), or a larger page (`--max-mb`)",
            )
        style, script = palette() + _asset("label.css"), _asset("label.js")
        head, tail = _shell(sheet, style, script).split(MARK)
        with replacing_file(out) as file:
            file.write(head)
            file.write(_block("sheet", sheet_json(sheet)))
            for sha, path in pictures.items():
                data = base64.b64encode(read_file(path)).decode("ascii")
                file.write(_block(f"picture-{sha}", f"data:{TYPES[path.suffix.lower()]};base64,{data}"))
            file.write(tail)
        return out


MARK = "<!-- data -->"


def sheet_json(sheet: LabelSheet) -> JSON:
    """What the script of the page reads. `page` names it, so that what a browser saved finds the right page again."""
    content: dict[str, JSON] = {
        "schema": SCHEMA,
        "format": FORMAT,
        "benchmark": visible(sheet.benchmark),
        "run_digest": sheet.run_digest,
        "sampling": {
            "seed": sheet.sampling.seed,
            "cases_drawn": sheet.sampling.cases_drawn,
            "cases_eligible": sheet.sampling.cases_eligible,
            "questions": sheet.sampling.questions,
        },
        "questions": [_question(question) for question in sheet.questions],
        "items": [_item(item) for item in sheet.items],
    }
    return {"page": digest(content)[:16], **content}


def _question(question: LabelQuestion) -> JSON:
    words = WORDS[question.kind]
    return {
        "dimension": question.dimension,
        "kind": question.kind,
        "asked": QUESTION_TEXTS[question.kind],
        "description": clip(visible(question.description), 600),
        "answers": [
            {"value": value, "key": words[value][0], "words": words[value][1]} for value in ANSWERS[question.kind]
        ],
    }


def _item(item: LabelItem) -> JSON:
    return {
        "case_id": item.case_id,
        "seed": item.seed,
        "prompt": clip(visible(item.prompt), LONGEST_PROMPT),
        "task": item.task.value,
        "texts": [clip(visible(text), 600) for text in item.texts],
        "pictures": [{"role": picture.role.value, "sha256": picture.sha256} for picture in item.pictures],
        "source": item.source,
        "questions": list(item.questions),
    }


def content_policy(style: str, script: str) -> str:
    """Nothing but this style, this script and pictures that stand in the page; never the network."""
    return (
        f"default-src 'none'; script-src {_hash_source(script)}; style-src {_hash_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _shell(sheet: LabelSheet, style: str, script: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evalkit.reports.labelling", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    from markupsafe import Markup

    return environment.get_template("label.html.j2").render(
        policy=content_policy(style, script),
        style=Markup(style),  # ours, from the package; the policy names its hash
        script=Markup(script),
        mark=Markup(MARK),
        benchmark=visible(sheet.benchmark),
        sampling=sheet.sampling,
    )


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text("utf-8")


def _block(name: str, value: JSON) -> str:
    """JSON that is no code: a browser keeps such a block as text."""
    return f'<script type="application/json" id="{name}">{script_json(value)}</script>\n'


def _encoded_size(path: Path) -> int:
    try:
        return 4 * path.stat().st_size // 3 + 120
    except OSError:
        return 0  # reading it says what is wrong


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
