"""A whole day of a desk, on its own movable clock: everybody works, and afterwards everything is counted again.

world.py      the company: regions, calendars, policies, inboxes, teams, who works when
customers.py  who writes, and who writes again
agents.py     what colleagues do with what they have
running.py    the day, moment by moment, with what the workers do between
model.py      what the promises must have come to; knows nothing of the desk
recount.py    the board's numbers, counted row by row
checking.py   what was wrong, and what the day came to

    python -m tests.bench.day                              100 agents, 4,000 tickets
    python -m tests.bench.day --agents 6 --tickets 120     what `make test` runs (tests/flows/test_day.py)
"""
