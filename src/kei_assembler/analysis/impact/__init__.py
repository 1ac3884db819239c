"""The impact of a change: what it does to files, rights and tokens of agents, and which source caused it."""
