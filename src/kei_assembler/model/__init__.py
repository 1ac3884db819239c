"""The typed values of a kit: manifest, settings, and their adaptation to a target."""
