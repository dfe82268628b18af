"""Reports: a question that somebody asks, keeps, takes along as a file, or is sent.

questions.py  what is asked, as an address and as JSON
sheets.py     the answer as lines and cells: what the page shows and the files hold
files.py      a sheet as CSV and XLSX
tickets.py    one row per ticket
saved.py      questions that are kept and shared
sending.py    those that are sent by mail, round after round
"""
