"""How likely the next promise of a ticket is broken, and why the board thinks so.

situation.py  what is known of a promise at one moment, and the numbers that an estimate weighs
fitted.py     an estimate that was learned: coefficients and their calibration; plain arithmetic
formula.py    what speaks before anything was learned
judging.py    how well an estimate did on moments that it was not learned from
present.py    promises as they stand now, the likeliest to be broken first
past.py       the same as it stood at moments of the past, and how it ended
speaking.py   which estimate speaks, and when a new one takes its place
rows.py       what is kept of each

Learning itself is in workers/estimating.py: in a process of its own, since it needs scikit-learn.
"""
