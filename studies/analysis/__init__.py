"""From records to answers: ratios, intervals, correlations, verdicts."""
