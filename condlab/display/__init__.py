"""Numbers in words that stay true, and tables of them."""
