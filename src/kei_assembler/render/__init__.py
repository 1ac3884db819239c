"""From a manifest to the text of an agent file. Only this package imports Jinja2."""
