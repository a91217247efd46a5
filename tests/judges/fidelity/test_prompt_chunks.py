import re

import pytest

from evalkit.judges.fidelity.paired.prompt_chunks import chunks


def words(text: str) -> int:
    return len(text.split())


def test_a_short_prompt_stays_whole() -> None:
    assert chunks("  a red fox. It sleeps. ", words, 10) == ["  a red fox. It sleeps. "]


def test_cuts_are_between_sentences_and_chunks_are_filled() -> None:
    prompt = "One two three. Four five. Six seven eight nine. Ten."
    assert chunks(prompt, words, 5) == ["One two three. Four five.", "Six seven eight nine. Ten."]


def test_a_long_sentence_is_cut_between_words() -> None:
    assert chunks("a b c d e f g. h", words, 3) == ["a b c", "d e f", "g. h"]


@pytest.mark.parametrize(
    "prompt", ["一张海报，上面写着“早上好”。背景是蓝色的天空！" * 3, "x" * 50, "3.5 % of a.b.c\n\nand more; " * 9]
)
def test_nothing_is_lost_and_everything_fits(prompt: str) -> None:
    pieces = chunks(prompt, len, 12)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", prompt)
    assert max(map(len, pieces)) <= 12
    assert len(pieces) <= 2 * len(prompt) / 12 + 1
