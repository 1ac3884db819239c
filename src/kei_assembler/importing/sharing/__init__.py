"""Share what several imported agents have in common.

`parts` cuts texts, `split` finds what they share, and `near_copies` finds what is almost the same. `blocks` makes
blocks of it, with `variants` for several clients. `diverged` reports copies that differ, and `proposals` proposes bases
and bundles.
"""
