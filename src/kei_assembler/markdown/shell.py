"""Words of shell commands that people copy from a report or a generated file, and paste into a shell."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.markdown.hidden_text import shown

_SPECIAL_STARTS = ("-", "=", ":")
"""What an option starts with, the name of a command in zsh, and a pattern of git's."""

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")
"""The characters that no shell acts on, unless a word starts with one of those above."""


def word(path: str) -> str:
    """Return a path as one word of a command: it means the same wherever it is shown, and is not an option.

    Where a report would escape a character, the word is written as `$'…'` with octal escapes, which bash, ksh and zsh
    read, as well as any shell that conforms to POSIX.1-2024.
    """
    if _PLAIN.issuperset(path) and path[:1] not in ("", *_SPECIAL_STARTS):
        return path
    from shlex import quote  # rarely needed

    path = f"./{path}" if path.startswith(_SPECIAL_STARTS) else path
    return quote(path) if shown(path) == path else f"$'{''.join(map(_escape, path))}'"


def git(command: str, paths: Iterable[str]) -> str:
    """Return a command of git for these paths, in which git does not read any of them as a pattern."""
    paths = list(paths)
    literal = " --literal-pathspecs" if any(character in path for path in paths for character in "*?[\\") else ""
    return f"git{literal} {command} {' '.join(map(word, paths))}"


def _escape(character: str) -> str:
    # `#` starts a command in some CI logs, and `!` one from the history of an interactive shell
    if character not in "\\'#!" and shown(character) == character:
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))
