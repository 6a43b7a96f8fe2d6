"""What a search says size by size."""


def outcomes(verdicts):
    """Return the outcome of each size that has an instance, ascending."""
    return [verdict.outcome for verdict in verdicts if verdict.examples]


def first_to_fall(verdicts):
    """Return the size of the last verdict, where those before it did not fall."""
    *below, last = verdicts
    assert set(outcomes(below)) <= {"holds"}
    assert last.outcome == "falsified"
    return last.size
