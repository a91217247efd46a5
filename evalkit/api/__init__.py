"""Everything a plug-in author imports: records, results, evidence, errors, settings, pictures and the protocols.

>>> from evalkit.api import Box, Case
>>> Case("posters/0001", "a poster that says SALE").width
1024
>>> Box(0, 0, 10, 4).area
40

The names are imported on first use, so that `import evalkit.api` costs nothing. Every name of `__all__` may be relied
on; a change that breaks plug-ins raises `PLUGIN_API`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

PLUGIN_API = 1
"""Version of the contract between evalkit and its plug-ins.

A plug-in may say which one it was written for in the class attribute `plugin_api` (1 where it says nothing). One that
asks for another version is refused when it is loaded.
"""

if TYPE_CHECKING:
    from evalkit.api.ability import Specimen, Specimens
    from evalkit.api.errors import (
        ConfigError,
        EvalkitError,
        GenerationError,
        Interrupted,
        JudgeError,
        PictureError,
        PluginError,
        StoreError,
        SuiteError,
        UnavailableError,
        UnknownNameError,
        UsageError,
    )
    from evalkit.api.evidence import (
        Block,
        Cell,
        HeatMap,
        PictureBlock,
        Statement,
        Table,
        TextDifference,
        TextPair,
        block_from_json,
    )
    from evalkit.api.geometry import RGB, Box
    from evalkit.api.hashing import digest
    from evalkit.api.hooks import (
        Attachable,
        Checkable,
        ChecksVerdicts,
        ControlsFromRun,
        DeclaresKinds,
        DeclaresScope,
        IdentifiesModel,
        Replayable,
        RunPictures,
        SharesDevice,
    )
    from evalkit.api.pictures import Picture, Pixels, decode, encode_png
    from evalkit.api.protocols import (
        Benchmark,
        BenchmarkInfo,
        Control,
        Exporter,
        Generator,
        GeneratorInfo,
        Judge,
        Metric,
        PictureSet,
        SetFigure,
    )
    from evalkit.api.records import (
        JSON,
        Background,
        Blame,
        Case,
        Dimension,
        Element,
        Finding,
        FindingKind,
        Generated,
        Grade,
        Question,
        Relation,
        Request,
        Role,
        Sample,
        Score,
        SourceImage,
        Status,
        Task,
        TextTarget,
        Verdict,
    )
    from evalkit.api.results import (
        Bucket,
        CaseChange,
        CaseResult,
        CellCounts,
        Comparison,
        ControlResult,
        DimensionChange,
        DimensionResult,
        GateResult,
        GateStatus,
        GeneratorResult,
        Interval,
        MetricResult,
        Outcome,
        RunResults,
        RunSummary,
    )
    from evalkit.api.settings import ProgramPath, ResolvedPath, Settings
    from evalkit.api.training import Example, Judged, JudgeData, TrainingData
else:
    _MODULES = (
        *("errors", "geometry", "records", "hashing", "settings", "hooks", "pictures", "results"),
        *("protocols", "ability", "training", "evidence"),
    )

    def __getattr__(name: str) -> object:
        if name in __all__:
            from importlib import import_module

            for module in _MODULES:
                found = import_module(f"{__name__}.{module}")
                if hasattr(found, name):
                    return getattr(found, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "JSON",
    "PLUGIN_API",
    "RGB",
    "Attachable",
    "Background",
    "Benchmark",
    "BenchmarkInfo",
    "Blame",
    "Block",
    "Box",
    "Bucket",
    "Case",
    "CaseChange",
    "CaseResult",
    "Cell",
    "CellCounts",
    "Checkable",
    "ChecksVerdicts",
    "Comparison",
    "ConfigError",
    "Control",
    "ControlResult",
    "ControlsFromRun",
    "DeclaresKinds",
    "DeclaresScope",
    "Dimension",
    "DimensionChange",
    "DimensionResult",
    "Element",
    "EvalkitError",
    "Example",
    "Exporter",
    "Finding",
    "FindingKind",
    "GateResult",
    "GateStatus",
    "Generated",
    "GenerationError",
    "Generator",
    "GeneratorInfo",
    "GeneratorResult",
    "Grade",
    "HeatMap",
    "IdentifiesModel",
    "Interrupted",
    "Interval",
    "Judge",
    "JudgeData",
    "JudgeError",
    "Judged",
    "Metric",
    "MetricResult",
    "Outcome",
    "Picture",
    "PictureBlock",
    "PictureError",
    "PictureSet",
    "Pixels",
    "PluginError",
    "ProgramPath",
    "Question",
    "Relation",
    "Replayable",
    "Request",
    "ResolvedPath",
    "Role",
    "RunPictures",
    "RunResults",
    "RunSummary",
    "Sample",
    "Score",
    "SetFigure",
    "Settings",
    "SharesDevice",
    "SourceImage",
    "Specimen",
    "Specimens",
    "Statement",
    "Status",
    "StoreError",
    "SuiteError",
    "Table",
    "Task",
    "TextDifference",
    "TextPair",
    "TextTarget",
    "TrainingData",
    "UnavailableError",
    "UnknownNameError",
    "UsageError",
    "Verdict",
    "block_from_json",
    "decode",
    "digest",
    "encode_png",
]
