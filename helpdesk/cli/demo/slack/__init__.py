"""A small Slack on loopback, and a page to write in it: the channel can be tried without an account.

workspace.py   what is said there and by whom, and the payloads that Slack sends for it
serving.py     the Web API that a desk calls, files, and Socket Mode
keeping.py     what was said, kept between two starts
page.py        the page for people
picturing.py   messages, blocks and forms as HTML
arranging.py   who is there, and the demo's inbox that is connected to it
"""
