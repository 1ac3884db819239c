"""Assemble agent instruction files from TOML manifests and Markdown blocks."""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, which is not worth its import where the command only repeats itself
if TYPE_CHECKING:
    from kei_assembler.diagnostics import AssembleError, Diagnostic
    from kei_assembler.library import Kit, Plan
    from kei_assembler.plan.changes import Change
    from kei_assembler.plan.result import RunResult
    from kei_assembler.render import Artifact

_MODULES = {
    "Artifact": "render",
    "AssembleError": "diagnostics",
    "Change": "plan.changes",
    "Diagnostic": "diagnostics",
    "Kit": "library",
    "Plan": "library",
    "RunResult": "plan.result",
}

__all__ = ["Artifact", "AssembleError", "Change", "Diagnostic", "Kit", "Plan", "RunResult", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load a part of the library when it is asked for: the command starts without it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
