"""Triage: what comes in is read in batches, people correct it, and every night it is learned anew.

reading.py     messages → classifications, and the ticket that follows the newest
keeping.py     where they are kept
examples.py    what is learned from: phrases, people's decisions, corrections
readers.py     one reader a kind, as it is at this moment
policy.py      off, suggest or do: per kind, and per team
doing.py       what it does by itself, and taking it back
correcting.py  an agent's word in place of a model's
packing.py     weights as bytes
rows.py        the tables
"""
