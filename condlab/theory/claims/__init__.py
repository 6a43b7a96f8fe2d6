"""The entries of the catalogue, a folder a chapter and one file a subject."""
