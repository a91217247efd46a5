"""The rubrics' prompts are short for judge-mini, and spelling stays visible."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini.export import stale_segments
from evalkit.judges.vlm.mini.lessons import Coder, rows
from evalkit.judges.vlm.mini.local import WEIGHTS
from evalkit.judges.vlm.mini.prompts import SLOT, segments, templates
from evalkit.judges.vlm.mini.retitle import retitle


def test_every_prompt_is_below_100_tokens(coder: Coder, data: JudgeData) -> None:
    rng = random.Random(1)
    longest = 0
    for _ in range(80):
        judged = data.judged(rng)
        for row in rows(judged):
            count = len(coder.prefix(len(row.images), 16)) - 16 * len(row.images)
            longest = max(longest, count + len(coder.code(row._replace(reply="")).ids))
    assert longest < 100


def test_capitals_are_single_tokens(tokenizer: Any) -> None:
    pieces = [tokenizer.decode([i]) for i in tokenizer('Poster "HONEY" in red.').input_ids]
    assert [piece for piece in pieces if piece.isupper()] == ["P", *"HONEY"]


def test_constant_stretches_are_one_token(tokenizer: Any) -> None:
    assert not stale_segments(tokenizer)


def test_the_shipped_tokenizer_knows_todays_prompts() -> None:
    from transformers import AutoTokenizer

    assert not stale_segments(AutoTokenizer.from_pretrained(WEIGHTS, local_files_only=True)), (
        "a rubric or prompt was changed: `python -m evalkit.judges.vlm.mini.retitle` (or train judge-mini again)"
    )


def test_new_words_for_a_prompt_take_the_token_of_the_old(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    now = segments()["describe.0"]
    core = json.loads(file.read_text())
    (token,) = (each for each in core["added_tokens"] if each["content"] == now)
    token["content"] = "Say what is there."
    file.write_text(json.dumps(core))
    assert stale_segments(AutoTokenizer.from_pretrained(tmp_path)) == ["describe.0"]
    assert retitle(file) == ["describe.0"]
    assert AutoTokenizer.from_pretrained(tmp_path)(now).input_ids == [token["id"]]
    assert retitle(file) == []


def test_prompts_that_were_never_learnt_need_training(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    core = json.loads(file.read_text())
    core["added_tokens"].pop()
    file.write_text(json.dumps(core))
    with pytest.raises(ValueError, match="train again"):
        retitle(file)


def test_the_words_of_a_case_stand_once_in_a_prompt() -> None:
    assert all(text.count(SLOT) <= 1 for text in templates().values())
