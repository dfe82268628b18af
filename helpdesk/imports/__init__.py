"""What another product holds, brought into this desk: silently, once, and so that it can be taken back.

    vendors/     one module a product: what its export or API says, as `records`
    places.py    where that lies: a folder or a ZIP of JSON files, written by hand or by `fetching`
    fetching.py  a product's API, page by page, into such a folder
    writing.py   records → rows, many at once
    running.py   a run from its beginning or from where it was interrupted; dry; and back again

Nobody is written to, nothing is promised and no rule runs: the rows' events are not dispatched. Messages keep
their times, their authors and their Message-IDs, so that an answer to an old mail finds its ticket.
"""
