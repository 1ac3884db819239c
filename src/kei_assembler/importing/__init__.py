"""Import: convert existing agent files, and files such as `AGENTS.md`, to manifests that generate them again.

`run` is the entry point. `paths` finds the files, and `dialects` recognizes the client of those in plain folders.
`agent_file` and `legacy_syntax` read them, and `already_generated` recognizes those that need no import. `names`,
`tools`, `bodies`, `hard_breaks` and `convert` make manifests of them, `pending_kit` is the kit with these manifests,
and `new_files` writes them. `agents` does this for all files, and `likeness`, `merging` and `text_variants` make one
manifest of the files of an agent for several clients. `sharing` makes blocks of what agents share. `left_out` reports
what nobody looks at. `instruction_files`, `instructions` and `replaced_text` do the same for `AGENTS.md` and the like.
`read_back` says what a generated file was generated from, and `updates` takes what changed in files since. The codes of
the diagnostics are in `rules.imports`, `rules.bodies`, `rules.joined_files` and `rules.imported_instructions`.
"""
