"""What the sections of the page draw from, computed once from the summary and handed to every template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.api.results import RunSummary
from evalkit.reports.html.addresses import address, finding_address
from evalkit.reports.html.cost_charts import cost_charts
from evalkit.reports.html.forest import confidence, forest
from evalkit.reports.html.gate_bars import gate_rows
from evalkit.reports.html.judge_ability import judge_rows
from evalkit.reports.html.missing_scores import MissingScores
from evalkit.reports.html.regressions import regressions


def globals_of(summary: RunSummary, missing: MissingScores | None = None) -> Mapping[str, Any]:
    """Names that every template of the page knows beside those of the page itself.

    `navigation` is (anchor, label) of each section that the page of this run has, in its order.
    """
    compared = regressions(summary.comparison)
    costs = cost_charts(summary)
    judges = judge_rows(summary, missing)
    sections = (
        ("verdict", "Verdict", True),
        ("regressions", "Regressions", compared is not None),
        ("dimensions", "Dimensions", True),
        ("findings", "Findings", True),
        ("metrics", "Whole sets", bool(summary.metrics)),
        ("costs", "Cost", bool(costs)),
        ("judges", "Judges", bool(judges)),
        ("gallery", "Gallery", True),
        ("cases", "Cases", True),
        ("run", "Run", True),
    )
    return {
        "address": address,
        "compared": compared,
        "confidence": confidence(summary),
        "costs": costs,
        "finding_address": finding_address,
        "forest": forest(summary),
        "gate_rows": gate_rows(summary),
        "judges": judges,
        "navigation": [(anchor, label) for anchor, label, there in sections if there],
    }
