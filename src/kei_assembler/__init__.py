"""Assemble agent instruction files from TOML manifests and Markdown blocks."""

__version__ = "0.1.0"
