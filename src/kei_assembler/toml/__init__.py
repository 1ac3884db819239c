"""TOML: a file's text and data, the positions of its keys, and writing."""
