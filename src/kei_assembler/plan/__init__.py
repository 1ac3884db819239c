"""The build: from a kit's manifests to what changes on disk."""
