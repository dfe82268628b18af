"""How well the desk finds, reads and answers: functions over files, each result one plain dict."""
