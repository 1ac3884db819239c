"""Questions about a kit: which agents it has, what they are made of, and how they hand off to each other.

Nothing here writes a file.
"""
