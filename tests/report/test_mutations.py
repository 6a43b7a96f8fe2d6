"""The table of what claims need, from records of their mutants."""

from condlab.report.mutations import table


def entry(key, outcome, kind="constant", change="the right-hand side times 99/100"):
    mutant = {"change": change, "kind": kind, "outcome": outcome, "size": 2}
    return {"key": key, "mutants": [mutant]}


def test_what_is_needed_without_a_reference_is_told_apart():
    claims = [
        entry("derived-jacobi-cut", "falsified"),
        entry("folklore-row-norm-ratio", "falsified"),
        entry("folklore-normal-similarity", "holds"),
        entry("weyl1912-perturbation", "falsified"),
    ]
    line = next(part for part in table(claims).splitlines() if "references" in part)
    assert "`derived-jacobi-cut` (the right-hand side times 99/100 (2))" in line
    assert "`folklore-row-norm-ratio`" in line
    assert "folklore-normal-similarity" not in line
    assert "weyl1912" not in line


def test_without_such_claims_there_is_no_such_line():
    assert "references" not in table([entry("weyl1912-perturbation", "falsified")])
