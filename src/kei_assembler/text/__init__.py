"""Facts about text, whatever it says: Markdown, YAML on one line, hidden characters, the stamp."""
