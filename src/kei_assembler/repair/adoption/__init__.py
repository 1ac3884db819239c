"""Take hand edits of generated files back into the sources that the edited lines come from."""
