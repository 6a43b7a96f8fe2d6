"""The entries of the catalogue, one file a subject, and what several of them share."""
