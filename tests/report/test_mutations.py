"""The table of what claims need, from records of their mutants."""

from condlab.report.mutations import table


def entry(key, outcome, kind="constant", change="the right-hand side times 99/100"):
    mutant = {"change": change, "kind": kind, "outcome": outcome, "size": 2}
    return {"key": key, "mutants": [mutant]}


def test_what_is_needed_in_forms_that_no_publication_has_is_told_apart():
    claims = [
        entry("derived-jacobi-cut", "falsified"),
        entry("folklore-row-norm-ratio", "falsified"),
        entry("folklore-normal-similarity", "holds"),
        entry("vandersluis1969-jacobi-infnorm", "falsified"),
        entry("weyl1912-perturbation", "falsified"),
    ]
    start = "Needed in claims for which no publication is cited"
    line = next(part for part in table(claims).splitlines() if part.startswith(start))
    assert "`derived-jacobi-cut` (the right-hand side times 99/100 (2))" in line
    assert "`folklore-row-norm-ratio`" in line
    assert "`vandersluis1969-jacobi-infnorm`" in line  # its note derives this form
    assert "folklore-normal-similarity" not in line
    assert "weyl1912" not in line


def test_without_such_claims_there_is_no_such_line():
    assert "no publication" not in table([entry("weyl1912-perturbation", "falsified")])
