"""The assistant in the console: at its tickets, and where somebody tries it out."""
