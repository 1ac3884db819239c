"""The doctor: which clients are installed, what they read of a kit, and which outputs they don't read or read twice."""
