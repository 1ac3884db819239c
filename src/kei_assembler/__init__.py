"""Assemble agent instruction files from TOML manifests and Markdown blocks."""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, which is not worth its import where the command only repeats itself
if TYPE_CHECKING:
    from kei_assembler.library import Kit, Plan

__all__ = ["Kit", "Plan", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the library when it is asked for: the command starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kei_assembler import library

    return getattr(library, name)
