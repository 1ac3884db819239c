"""Texts that are hard to write and to read back, for generated tests."""

from __future__ import annotations

from hypothesis import strategies as st

# All characters, and combinations of those that have a meaning in YAML.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
YAML_BITS = [*"0123456789abefonxyzTZ_.:+-,[]{}#&*!|>'\"%@`~=?<\\/ \n\t", "---", "...", "null", "Yes", ".inf", "\u2028"]
TRICKY_TEXT = st.lists(st.sampled_from(YAML_BITS), max_size=6).map("".join)

# Pieces of Markdown that mean something at the start of a line.
BITS = (
    *("```", "~~~", "```py", "````", " ", "  ", "    ", "\t", "- ", "1. ", "2) ", "> ", "# ", "---", "===", "\\"),
    *("a", "*", "`", "&", ">", "<!--", "-->", "<div>", "</pre>", "<pre>", "<b>", "<?", "?>", "<!A", "<![CDATA[", "]]>"),
)
# White space for Python or JavaScript, but text for CommonMark.
OTHER_SPACES = tuple("\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u2028\u2029\u202f\u205f\u3000\ufeff")
CONTAINERS = ("- ", "1. ", "2) ", "> ", ">", "*", "---", "\\")
