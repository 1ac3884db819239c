"""Assemble agent instruction files from TOML manifests and Markdown blocks."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would slow down a cached run
if TYPE_CHECKING:
    from kei_assembler.api import Kit
    from kei_assembler.build.changes import Change
    from kei_assembler.build.kit_plan import Plan
    from kei_assembler.build.result import RunResult
    from kei_assembler.diagnostics import AssembleError, Diagnostic
    from kei_assembler.render.renderer import Artifact

_MODULES = {
    "Artifact": "render.renderer",
    "AssembleError": "diagnostics",
    "Change": "build.changes",
    "Diagnostic": "diagnostics",
    "Kit": "api",
    "Plan": "build.kit_plan",
    "RunResult": "build.result",
}

__all__ = ["Artifact", "AssembleError", "Change", "Diagnostic", "Kit", "Plan", "RunResult", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a name on first use, since the command starts without most of them.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
