"""The build: from the manifests of a kit to the changes on disk."""
