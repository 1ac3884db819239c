"""Markdown, front matter, hidden characters and the stamp, all as functions of text."""
