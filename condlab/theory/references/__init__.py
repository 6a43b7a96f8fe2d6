"""The sources of the catalogue, as data: one entry each, cited by locator."""
