"""The articles in the console: to read, to write, to publish, to arrange."""
