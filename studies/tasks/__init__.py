"""What a study trains: arms, data with a loss, and what is measured."""
