from __future__ import annotations

import pytest

from evalkit.api.errors import UnknownNameError
from evalkit.judges.typography.judge import TypographyJudge
from evalkit.judges.typography.reader import PaddleReader
from evalkit.judges.typography.readers import load
from tests.judges.typography.conftest import FakeReader, blank, case_of, line_at


def test_our_reader_is_found_by_name() -> None:
    assert isinstance(load("pp-ocr", 1), PaddleReader)


def test_an_unknown_reader_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownNameError, match="textpeker"):
        load("textpeker", 1)


def test_a_second_reader_is_asked_only_where_the_first_read_something_wrong() -> None:
    first, second = FakeReader([line_at("FRESH BRAAD")]), FakeReader([line_at("FRESH BREAD")])
    judge = TypographyJudge(TypographyJudge.Settings(looks=(1.0,)), first, second)
    assert judge.judge(blank(), case_of("Fresh Bread"), None).scores[0].value == 1.0
    assert len(second.sizes) == 1
    judge.judge(blank(), case_of("Fresh"), None)
    assert len(second.sizes) == 1


def test_every_reader_is_part_of_the_fingerprint() -> None:
    one, two = (TypographyJudge(TypographyJudge.Settings(), *[FakeReader([])] * n) for n in (1, 2))
    assert one.fingerprint() != two.fingerprint()
