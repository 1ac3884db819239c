"""Import: from agent files that are there already to manifests that give them again.

`run` is all of it. `paths` finds the files; `lenient`, `agentfile` and `former` read them, and `generated`
tells those that are none to import. `names`, `tools`, `bodies`, `breaks` and `drafting` decide what goes where, and
`prospect` is the kit as it will be. `rules.imports` and `rules.bodies` have the codes of what is found meanwhile.
"""
