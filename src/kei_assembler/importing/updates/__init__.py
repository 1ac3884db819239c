"""Take what changed in imported files since then into the manifests: a three-way merge with what people changed."""
