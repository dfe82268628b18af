"""Reports in the console: numbers, their picture, the tickets behind them, files of them, and reports that are kept."""
