"""The ways in and out: one folder a channel, found by looking, never named elsewhere.

A channel is a folder here (or an entry point in the group `helpdesk.channels`) with `CHANNEL`, a class
that keeps the contract in `channels/contract.py`.
"""
