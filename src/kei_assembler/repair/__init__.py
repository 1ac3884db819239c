"""Repairs of a kit's sources: edits as data, and the commands that rename and remove what a kit consists of."""
