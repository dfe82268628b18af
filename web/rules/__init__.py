"""Rules as people write and read them: their form, their sentence, ready-made ones, and what a run did.

triggers.py  WHEN, as rows of a form
actions.py   DO, as rows of a form
drafts.py    a whole rule as it stands in its form
words.py     triggers, actions and rules in words
examples.py  rules to begin with
stories.py   what a run did and why, what a dry run found
"""
