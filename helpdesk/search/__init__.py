"""Finding tickets by what was said in them, by whom, and by what is known of them."""
