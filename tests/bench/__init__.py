"""How fast the desk is, by a command that anyone can run again: `python -m tests.bench`."""
