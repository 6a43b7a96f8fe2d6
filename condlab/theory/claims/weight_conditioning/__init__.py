"""Claims of "Weight conditioning ..."."""
