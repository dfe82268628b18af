"""The assistant: answers customers where a policy lets it, and gives them to people in time.

rows.py        policies, tools, runs, what was done, codes
policies.py    which policy holds for a message
phrases.py     what customers say that needs no model: a person, yes, thanks
decisions.py   what it can decide, as values
gathering.py   what it may know when it decides
situations.py  that of a ticket, or of somebody who tries it out
deciding.py    from that to a decision: without a model, or with one
checking.py    what a decision must pass before a customer reads it
starting.py    a message came: whether it is the assistant's, and by when it must be answered
ending.py      handing over
speaking.py    what the customer is told, under the ticket's lock
running.py     one run, from question to answer
sweeping.py    runs that nobody finishes are handed over
acting.py      calls that a colleague allowed, made apart from their request
identity.py    who writes: a signed token, or a code by mail
tools.py       what it can do, and on what terms
agreeing.py    what it would have said against what a colleague said
figures.py     how it does, with intervals
"""
