"""Import: from agent files that are there already to manifests that give them again.

`paths`, `lenient`, `agentfile` and `former` read, `generated` tells what is none to import, `names`, `tools`, `bodies`,
`breaks` and `drafting` decide what goes where, and `prospect` is the kit as it will be. `rules.imports` and
`rules.bodies` have the codes of what is found meanwhile.
"""
