"""A desk with thousands of open chats and consoles, while both sides write: is what is said there at once, and once?

desk.py      the served desk: all of `helpdesk serve` but the models' process
wire.py      HTTP as cheap as can be: the crowd shares the cores with the desk that it measures
widgets.py   visitors' frames: each comes by the real routes and keeps its stream
consoles.py  agents' pages: each asks again for what its stream names, at the pace that the real page keeps
crowd.py     everybody, in a process of their own: come, be idle, talk, all lose their line at once
__main__.py  the figures
"""
