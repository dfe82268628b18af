"""Articles from elsewhere: read from a file, compared with what was brought in before, written.

documents.py   an article as a file says it
reading.py     what a file holds: Markdown, HTML, DOCX, PDF, exports of other products, a zip of these
vendors.py     Zendesk Guide, Intercom, Freshdesk Solutions
converting.py  a stranger's file made Markdown, in a process that may take so much and no more
rows.py        where each article came from, and uploads that wait for somebody's yes
pictures.py    pictures of imported texts, made the articles' own
sites.py       a website's pages, by its sitemap
running.py     what an import would do, and doing it
ordering.py    ordering one, saying yes to it, trying it again, dropping it
working.py     the same as a worker does it, with its progress
exporting.py   all articles as Markdown files, which can be read again
"""
