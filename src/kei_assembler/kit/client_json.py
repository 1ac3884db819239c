"""Read the settings of clients: JSON with comments and with commas after the last item."""

from __future__ import annotations

import json
import re
from typing import Any

from kei_assembler import lazy_re

_SPACE = r"[ \t\r\n]"
# What is not closed ends with the text, so that its start is not tried again and again.
_STRING = r'"(?:[^"\\]|\\.)*+"?'
_COMMENT = lazy_re.compile(rf"(?s:({_STRING})|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)")
_LAST_COMMA = lazy_re.compile(rf"(?s:({_STRING})|,(?={_SPACE}*+[}}\]]))")


def plain_json(text: str) -> str:
    """Return JSON with spaces instead of comments and of commas after the last item, so that positions stay."""
    return _LAST_COMMA.sub(_blanked, _COMMENT.sub(_blanked, text.removeprefix("\ufeff")))


def _blanked(match: re.Match[str]) -> str:
    return match[1] or re.sub(r"[^\n]", " ", match[0])


def read_table(text: str) -> dict[str, Any]:
    """Return the object in a settings file, or an empty one if the client could not read it either."""
    try:
        data = json.loads(plain_json(text))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
