"""What the analysis found, as ``results/meta_analysis.json`` has it.

Dicts, as JSON reads them: numbers may be "inf" or None, which `as_float` reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from studies.engine.records import Number

Status = Literal["shown", "stand-in", "out of reach"]


class Claim(TypedDict):
    """A source's claim that one arm trains faster than another."""

    key: str
    claim: str
    study: str
    kind: str
    arm: str
    than: str
    rate: float | None
    method: str


class Ratio(TypedDict):
    """A ratio of two arms' times, as its binary logarithm with an interval."""

    value: Number
    lower: Number
    upper: Number
    n: int
    bound: NotRequired[str]
    reached: NotRequired[list[int]]
    pairs: NotRequired[int]


class Interval(TypedDict):
    """A mean over seeds."""

    value: Number
    lower: Number
    upper: Number
    n: int


class End(TypedDict):
    """The test metric of two arms at the end, and their difference."""

    metric: str
    arms: dict[str, Interval]
    difference: Interval


class Seen(TypedDict):
    """What runs were seen on."""

    preset: str
    data: str
    network: str
    parameters: int | None
    steps: int
    epochs: float | None
    seeds: int
    runs: int


class Judged(Claim):
    """A claim with its verdict, and with what the runs of one preset say, if any."""

    verdict: str
    own: NotRequired[Ratio]
    matched: NotRequired[Ratio]
    best_lr: NotRequired[dict[str, list[str]]]
    edge: NotRequired[list[str]]
    source: NotRequired[Ratio | None]
    end: NotRequired[End | None]
    seen: NotRequired[Seen]
    alike: NotRequired[list[str]]
    beside: NotRequired[dict[str, Ratio]]


class JudgedContrast(TypedDict):
    """A claim that a number is above 0, and what the runs of one preset say, if any."""

    key: str
    claim: str
    method: str
    study: str
    says: str
    verdict: str
    mean: NotRequired[Interval]
    lost: NotRequired[int]
    seen: NotRequired[Seen]


class Published(TypedDict):
    """A row of a source's table or figure, and what stands for it here."""

    source: str
    row: str
    figure: str
    status: Status
    here: str
    seen: str
    command: str
    needs: str


class Rate(TypedDict):
    """The runs of an arm at one learning rate."""

    lr: float
    median: Number
    reached: int
    diverged: int


class View(TypedDict, total=False):
    """A held-out view, as a run rendered it and as it is: PNG files in base 64."""

    render: str
    truth: str
    ssim: Number
    psnr: Number


class Arm(TypedDict):
    """The runs of an arm; its curves are [step, value] at its best rate."""

    best_lr: float
    rates: list[Rate]
    curves: dict[str, list[list[Number]]]
    points: list[list[Number]]  # learning rate, early kappa, steps, whether it arrived
    view: NotRequired[View]


class Setting(TypedDict):
    """The runs of one study and setting."""

    study: str
    setting: str
    preset: str
    data: str
    data_words: str
    kind: str
    steps: int
    epochs: float | None
    metric: str
    target: Number
    runs: int
    diverged: int
    arms: dict[str, Arm]


class Uncorrected(TypedDict):
    """A predictor's rank correlation with the time, by itself."""

    study: str
    predictor: str
    rho: Number
    lower: Number
    upper: Number
    p_value: Number
    runs: int
    strata: int
    clusters: int


class Correlation(Uncorrected):
    """The same among all, with the p-value that Holm's method adjusts for them."""

    p_holm: Number


class Smoothness(TypedDict):
    """What standardizing would remove from the squared gradient, shares of it."""

    study: str
    arm: str
    runs: int
    share_centring: Number
    share_dividing: Number


class Withdrawn(TypedDict):
    """A series that is left out of so many runs."""

    study: str
    arm: str
    series: str
    runs: int


class Reading(TypedDict):
    """How often kappa rose by one reading of a theorem."""

    reading: str
    networks: int
    rose: int
    fell: int
    regular: int
    share: NotRequired[list[float]]
    ratio: NotRequired[list[float]]


class Counts(Reading):
    """The same of one family of networks, at one kind of point."""

    family: str
    point: str
    unfinished: int


class Counted(TypedDict):
    """What ``studies.theorem_52`` left."""

    networks: int
    samples: int
    rows: list[Counts]


class Step(TypedDict, total=False):
    """What a training step of one arm costs beside the plain one."""

    ratio: Number
    ratio_quartiles: list[Number]


class Cost(TypedDict, total=False):
    """What arms cost in one network; or, under "environment", where."""

    parameters: int
    training: dict[str, Step]
    peak_ratio: dict[str, Number]
    torch: str
    gpu: str | None


class Ends(TypedDict):
    """Test errors, a seed each, of a norm that sees so many images at a time.

    None where it sees one, however many there are.
    """

    study: str
    preset: str
    data: str
    norm: str
    images: int | None
    errors: list[Number]


class Found(TypedDict):
    """The whole file."""

    files: list[list[str]]
    rules: dict[str, object]
    settings: list[Setting]
    claims: list[Judged]
    contrasts: NotRequired[list[JudgedContrast]]
    published: NotRequired[list[Published]]
    words: list[list[str]]
    withdrawn: list[Withdrawn]
    correlations: list[Correlation]
    smoothness: list[Smoothness]
    answer: str
    ends: NotRequired[list[Ends]]
    theorem_52: NotRequired[Counted]
    costs: NotRequired[dict[str, Cost]]
