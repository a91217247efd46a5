"""The kinds of findings of the typography judge, and the grade of each."""

from __future__ import annotations

from evalkit.api.records import FindingKind, Grade

FAMILY = "text"
"""All kinds are one family: a word that is misspelt in one picture may be missing in its twin."""
EXPECTED = ("typography.word_accuracy",)
"""Under which the words that were asked for are looked at."""
SURPLUS = ("typography.extra_words",)
"""Under which text that was not asked for is looked for."""

KINDS = (
    FindingKind(
        "typo",
        FAMILY,
        "an expected word was read as another one",
        Grade.FAILURE,
        "the text asked for is not there, however few letters are wrong; only a symbol (© for ℗) that was read as "
        "another one is a defect, because readers confuse symbols",
        dimensions=EXPECTED,
    ),
    FindingKind(
        "missing-text",
        FAMILY,
        "an expected word is nowhere in the picture",
        Grade.FAILURE,
        "the text asked for is not there",
        dimensions=EXPECTED,
    ),
    FindingKind(
        "malformed",
        FAMILY,
        "a word has a glyph that is badly drawn or no character at all",
        Grade.DEFECT,
        "a badly drawn glyph is seen at once, but the word can be read; where the word can't be read as the expected "
        "one, the finding is a failure",
        dimensions=EXPECTED,
    ),
    FindingKind(
        "duplicate-text",
        FAMILY,
        "an expected word or line is there once more than asked for",
        Grade.DEFECT,
        "it is seen at once, but all that was asked for is there and can be read",
        dimensions=SURPLUS,
    ),
    FindingKind(
        "extra-text",
        FAMILY,
        "text that was not asked for",
        Grade.DEFECT,
        "it is seen at once, but all that was asked for is there and can be read",
        dimensions=SURPLUS,
    ),
)
