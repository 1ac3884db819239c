"""Find the files in a kit's folder of templates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kei_assembler.model.kinds import AGENT, KINDS

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit

BODY_TEMPLATES = {name: f"{name}.md.j2" for name in KINDS}
"""The file of the template for the bodies of a kind, by the name of the kind."""

BODY_TEMPLATE = BODY_TEMPLATES[AGENT.name]


def template_files(kit: LoadedKit) -> list[str]:
    """Return the files in the folder of templates.

    If no target has a template there, and the settings do not name the folder, it may be another tool's. Then only
    files that end with `.j2` count. Hidden files with that suffix count, too, though no template can include them: they
    are checked like the others.
    """
    folder = kit.settings.templates
    found = list(kit.files_in(folder, ""))
    if folder != ".":
        hidden = (file for file in kit.files_in(folder, ".j2", enters=lambda _: True) if file not in found)
        found += [file for file in hidden if not kit.files.is_folder(kit.path(file))]
    is_named = "templates" in kit.settings_table and folder != "."
    is_own = is_named or any(os.path.basename(file) in BODY_TEMPLATES.values() for file in found)
    return found if is_own else [file for file in found if file.endswith(".j2")]
