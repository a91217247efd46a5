"""From replies to the verdict: scores, missing scores, findings and evidence."""

import asyncio
import dataclasses

import numpy as np
import pytest

from evalkit.api.pictures import Picture
from evalkit.api.records import Box, Case, Question, Status, TextTarget
from evalkit.formats.keys import dump
from evalkit.judges.vlm.call import Call, Reply
from evalkit.judges.vlm.controls import grainy_pixels, picture
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.look import Look
from evalkit.judges.vlm.pixels import sent_image
from evalkit.judges.vlm.reply import Asker
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import rate
from tests.judges.vlm.fakes import FakeEndpoint, content, levels, seeing
from tests.judges.vlm.looks import CLEAN, EDIT, POSTER, QUIET, scale, statuses, values, verdict


def test_a_picture_from_scratch_is_asked_what_applies_to_it() -> None:
    one = verdict(content)
    assert set(values(one)) == {"compliance", "quality", "text", "layout", "background", "checklist"}
    reasons = {score.dimension: score.reason for score in one.scores if score.status is Status.UNSCORED}
    assert reasons["vlm.edit"] == "edit is not asked of t2i cases"
    assert reasons["vlm.portrait"] == "the case asks for no person"
    assert reasons["vlm.preference"] == "there is no twin to compare with"
    dump(one)


def test_an_edit_is_shown_with_its_source_first() -> None:
    endpoint = FakeEndpoint(seeing)
    judge = VlmJudge(VlmJudge.Settings(rubrics=("edit",), **QUIET), endpoint)
    one = judge.judge(picture("edited"), EDIT, None)
    judge.close()
    assert values(one) == {"edit": 1.0}
    assert len(endpoint.asked) == 6  # the whole, and five aspects of an edit of an object
    assert endpoint.asked[0].images == (sent_image(CLEAN.pixels), sent_image(picture("edited").pixels))
    assert one.evidence["category_of_edit"] == "object"
    aspects = ("instruction", "target", "source-kept", "integration", "quality")
    assert [row["rubric"] for row in one.evidence["levels"]] == ["edit", *(f"edit: {name}" for name in aspects)]


def test_an_aspect_the_model_is_not_fit_for_is_left_out_with_the_reason() -> None:
    endpoint, done = FakeEndpoint(seeing), picture("edited").pixels
    look = Look(EDIT, done, sent_image(done), sent_image(CLEAN.pixels), None, {}, "relative-1000", 10**6)
    unfit = {"edit.object.quality": "few rows", "edit.text.spelling": "of texts"}
    part = asyncio.run(rate(Asker(endpoint, 0.0), rubrics()["edit"], look, aspects=True, unfit=unfit))
    assert len(endpoint.asked) == 5
    assert part.evidence["aspects_not_asked"] == {"quality": "few rows"}
    assert part.score.value == 1.0


def test_pictures_come_first_and_the_question_last() -> None:
    endpoint = FakeEndpoint(content)
    judge = VlmJudge(VlmJudge.Settings(**QUIET), endpoint)
    judge.judge(CLEAN, POSTER, CLEAN)
    judge.close()
    assert all(ask.images and ask.text.splitlines()[-1].endswith(("?", "</question>")) for ask in endpoint.asked)
    assert len({ask.system for ask in endpoint.asked}) == 1
    assert all(ask.choice and ask.schema["additionalProperties"] is False for ask in endpoint.asked)


# ------------------------------------------------------------------------------------------------------------- scores


def test_the_score_is_the_expectation_and_the_leak_is_recorded() -> None:
    one = verdict(scale(levels(4, p4=0.5, p5=0.3)), rubrics=("quality",))
    assert values(one)["quality"] == pytest.approx((4.375 - 1) / 4)
    assert one.evidence["levels"][0]["leaked"] == pytest.approx(0.2)


def test_without_probabilities_the_evidence_says_so() -> None:
    one = verdict(scale(levels(4)), rubrics=("quality",))
    assert values(one)["quality"] == 0.75
    assert "no probabilities" in one.evidence["levels"][0]["note"]
    assert one.evidence["levels"][0]["leaked"] is None


def test_an_edit_is_never_better_than_its_caps() -> None:
    def says(ask: Call):
        return levels(2 if "carried out" in ask.text else 5)

    capped = verdict(says, EDIT, picture("edited"), rubrics=("edit",))
    assert values(capped) == {"edit": 0.25}
    assert capped.evidence["levels"][0]["stated"] == 5
    assert values(verdict(says, EDIT, picture("edited"), rubrics=("edit",), aspects=False)) == {"edit": 1.0}


USELESS = {
    "prose": "I would say four.",
    "a score out of range": '{"score": 6, "findings": []}',
    "a score of the wrong type": '{"score": "high", "findings": []}',
    "a fraction": '{"score": 4.5, "findings": []}',
    "true": '{"score": true, "findings": []}',
    "no findings": '{"score": 4}',
    "null": '{"score": null, "findings": []}',
    "two verdicts": '{"score": 1, "findings": []} {"score": 5, "findings": []}',
    "a truncated reply": '{"score": 4, "findi',
    "nothing": "",
}


@pytest.mark.parametrize("raw", USELESS.values(), ids=USELESS)
def test_an_unusable_reply_is_never_a_score(raw: str) -> None:
    one = verdict(lambda ask: raw)
    assert values(one) == {}
    assert statuses(one) == {Status.UNSCORED: len(one.scores)}
    kept = one.evidence["unusable_replies"]
    assert {entry["raw"] for entry in kept} == {raw}
    assert all(entry["reason"] for entry in kept)


def test_a_call_that_failed_is_an_error_that_the_same_command_tries_again() -> None:
    one = verdict(lambda ask: Reply(error="HTTP 500 (5 attempts)"))
    assert values(one) == {}
    asked = [score for score in one.scores if score.status is Status.ERROR]
    assert {score.dimension for score in asked} >= {"vlm.quality", "vlm.checklist", "vlm.compliance"}
    assert all("HTTP 500" in score.reason for score in asked)


def test_a_reply_cut_off_at_its_length_is_no_score() -> None:
    assert values(verdict(lambda ask: Reply('{"score": 5, "findings": []}', "length"))) == {}


def test_one_unusable_reply_affects_only_its_own_dimension() -> None:
    one = verdict(lambda ask: "hm" if "technical quality" in ask.text else content(ask))
    assert "quality" not in values(one)
    assert {"compliance", "text", "layout", "background"} <= set(values(one))


def test_a_cap_that_is_not_known_leaves_the_edit_unscored() -> None:
    one = verdict(
        lambda ask: "hm" if "carried out" in ask.text else levels(5), EDIT, picture("edited"), rubrics=("edit",)
    )
    assert values(one) == {}


# ---------------------------------------------------------------------------------------------------------- checklist


ASKED = dataclasses.replace(
    POSTER,
    checklist=(
        Question("place", "Is the text OCEAN at the top?", depends_on=("word",)),
        Question("word", "Is the text OCEAN there?"),
        Question("cat", "Is there a cat?", expected=False),
        Question("background", "Is it plain?"),
    ),
    relations=(),
)


def test_the_checklist_counts_answers_as_expected() -> None:
    one = verdict(lambda ask: {"answer": "no" if "cat" in ask.text else "yes"}, ASKED, rubrics=("checklist",))
    assert values(one) == {"checklist": 1.0}
    assert [entry["id"] for entry in one.evidence["questions"]] == ["place", "word", "cat", "background"]


def test_questions_that_depend_on_a_failed_one_are_not_asked() -> None:
    endpoint = FakeEndpoint(lambda ask: {"answer": "no"})
    judge = VlmJudge(VlmJudge.Settings(rubrics=("checklist",), **QUIET), endpoint)
    one = judge.judge(CLEAN, ASKED, None)
    judge.close()
    assert not any("at the top" in ask.text for ask in endpoint.asked)
    assert values(one) == {"checklist": 0.25}  # no cat, as expected


def test_p_yes_is_kept() -> None:
    reply = Reply('{"answer": "yes"}', "stop", {'"yes"': 0.6, '"no"': 0.2})
    one = verdict(lambda ask: reply, ASKED, rubrics=("checklist",))
    assert {entry["p_yes"] for entry in one.evidence["questions"]} == {0.75}


def test_large_pictures_have_their_texts_read_on_cut_outs() -> None:
    pixels = np.full((512, 1024, 3), 200, np.uint8)
    case = Case("c", "a sign", width=1024, height=512, texts=(TextTarget("SALE", Box(400, 200, 600, 260)),))
    endpoint = FakeEndpoint(lambda ask: {"text": "SALT"} if ask.name == "transcription" else content(ask))
    judge = VlmJudge(VlmJudge.Settings(rubrics=("checklist",), **QUIET), endpoint)
    one = judge.judge(Picture.from_pixels(pixels), case, None)
    judge.close()
    whole, *cuts = sorted(endpoint.asked, key=lambda ask: -ask.images[0].width)
    assert [(cut.images[0].width, cut.images[0].height) for cut in cuts] == [(230, 90)] * 2
    assert "cut-out" not in whole.text
    untold = next(cut for cut in cuts if cut.name == "transcription")
    assert "SALE" not in untold.text  # a model that knows the text may read it even where it is misspelled
    assert values(one) == {"checklist": pytest.approx(2 / 3)}
    assert one.evidence["questions"][-1]["read"] == "SALT"


def test_a_text_without_a_box_is_cut_out_where_the_reader_finds_it() -> None:
    class Reads:
        def places(self, pixels, texts):
            assert dict(texts) == {1: "NOW"}
            return {1: Box(100, 300, 200, 340)}

        def close(self) -> None:
            pass

    texts = (TextTarget("SALE", Box(400, 200, 600, 260)), TextTarget("NOW"), TextTarget(" "))
    case = Case("c", "a sign", width=1024, height=512, texts=texts)
    endpoint = FakeEndpoint(lambda ask: {"text": "NOW"} if ask.name == "transcription" else content(ask))
    judge = VlmJudge(VlmJudge.Settings(rubrics=("checklist",), **QUIET), endpoint)
    judge._instruments = Reads()
    one = judge.judge(Picture.from_pixels(np.full((512, 1024, 3), 200, np.uint8)), case, None)
    judge.close()
    assert {(ask.images[0].width, ask.images[0].height) for ask in endpoint.asked} == {
        (1024, 512),
        (230, 90),
        (120, 60),
    }
    assert [question["id"] for question in one.evidence["questions"]] == [
        *("text:0", "text:1", "text:0@crop", "text:0@read", "text:1@crop", "text:1@read")
    ]


def test_a_cut_out_above_the_budget_is_sent_smaller() -> None:
    pixels = np.full((400, 600, 3), 200, np.uint8)
    case = Case("c", "a sign", width=600, height=400, texts=(TextTarget("SALE", Box(10, 10, 590, 390)),))
    endpoint = FakeEndpoint(lambda ask: {"text": "SALE"} if ask.name == "transcription" else content(ask))
    judge = VlmJudge(VlmJudge.Settings(rubrics=("checklist",), max_pixels=60_000, **QUIET), endpoint)
    one = judge.judge(Picture.from_pixels(pixels), case, None)
    judge.close()
    assert len(endpoint.asked) == 3
    assert all(shot.width * shot.height <= 60_000 for ask in endpoint.asked for shot in ask.images)
    assert values(one) == {"checklist": 1.0}


# ---------------------------------------------------------------------------------------------------- pairs and repeats


def test_the_student_is_compared_with_its_twin_in_both_orders() -> None:
    def likes_the_poster(ask: Call):
        if ask.name != "pairwise":
            return content(ask)
        return {"better": "A" if ask.images[0] == sent_image(CLEAN.pixels) else "B"}

    other = picture("misspelled")
    assert values(verdict(likes_the_poster, twin=other))["preference"] == 1.0
    assert values(verdict(likes_the_poster, shown=other, twin=CLEAN))["preference"] == 0.0


def test_an_answer_that_depends_on_the_order_is_a_tie_and_counted() -> None:
    one = verdict(content, twin=picture("misspelled"), rubrics=("preference",))
    assert values(one) == {"preference": 0.5, "order": 0.0}  # a change with the order is no flip of a repeated question
    assert one.evidence["pair"]["consistent"] is False


def test_questions_asked_twice_give_the_flip_rate() -> None:
    one = verdict(lambda ask: levels(5 - ask.repeat) if ask.name == "scale" else content(ask), repeats=1.0)
    twice, flips = one.evidence["asked_twice"], one.evidence["flips"]
    assert flips == 5  # the five rubrics of a poster
    assert values(one)["consistency"] == pytest.approx(1 - flips / twice)
    assert values(one)["quality"] == 1.0  # the first answer is the score


def test_the_same_questions_are_repeated_in_every_run() -> None:
    def repeated() -> set[str]:
        endpoint = FakeEndpoint(content)
        judge = VlmJudge(VlmJudge.Settings(**{**QUIET, "repeats": 0.6}), endpoint)
        judge.judge(CLEAN, POSTER, None)
        judge.close()
        return {ask.text for ask in endpoint.asked if ask.repeat}

    assert repeated() == repeated() != set()


def test_consistency_is_unscored_where_nothing_was_asked_twice() -> None:
    assert verdict(content).score("vlm.consistency").status is Status.UNSCORED


# ----------------------------------------------------------------------------------------------------------- findings


def found(kind: str, box: list[int], score: int = 2):
    return scale({"score": score, "findings": [{"kind": kind, "box": box}]})


def test_findings_are_in_pixels_and_confirmed_by_the_grain_instrument() -> None:
    grainy = Picture.from_pixels(grainy_pixels(CLEAN.pixels))
    one = verdict(found("grain", [31, 375, 594, 969]), shown=grainy, rubrics=("background",))
    assert [f.evidence["instrument"] for f in one.findings] == ["confirmed"]
    assert one.findings[0].box.iou(Box(4, 48, 76, 124)) > 0.9
    assert one.findings[0].target == "background"
    clean = verdict(found("grain", [31, 375, 594, 969]), rubrics=("background",))
    assert [f.evidence["instrument"] for f in clean.findings] == ["refuted"]


def test_broken_boxes_are_dropped_and_counted() -> None:
    one = verdict(found("grain", [900, 10, 100, 20]), rubrics=("quality",))
    assert not one.findings
    assert one.evidence["dropped_findings"] == {"broken_box": 1}


def test_boxes_in_pixels_are_those_of_the_picture_as_the_model_saw_it() -> None:
    """Qwen2.5-VL's processor enlarges these 128 x 128 px to 280 x 280."""
    one = verdict(found("grain", [0, 70, 140, 280]), rubrics=("quality",), serve="qwen2.5-vl-7b")
    assert [finding.box for finding in one.findings] == [Box(0, 32, 64, 128)]


def test_a_box_outside_the_scale_makes_the_reply_unusable() -> None:
    assert values(verdict(found("grain", [0, 0, 1001, 5]), rubrics=("quality",))) == {}
