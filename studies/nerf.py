"""Ask whether equilibrated weights make a neural radiance field converge faster.

    python -m studies nerf --preset cpu [--data DIR]

Figure 7 and Table 4 of Saratchandran, Wang and Lucey (2024): NeRF, which has no norm
behind its layers, with and without row equilibration. Without a norm, equilibration
changes the function at the start: torch draws rows of length about 0.58, and E makes
them 1. "glorot" and "init_E" are the arms that change the start and nothing else,
"E_gain" lets each layer undo the scaling as a whole, "E" leaves the heads of density
and colour alone, and "WN" learns each row's length. Nine minutes on two cores (28
runs). The `real` preset has LLFF's fern, a sixteenth as large, for 3,000 steps: nine
minutes of an H200 (54 runs), by ``--device cuda --jobs 9`` beside another study's.

The scene is ray-traced on the spot; with ``--data`` it is LLFF's fern, if a folder of
that name is there. Views that were held out are rendered at the end of each run and
kept in its record, beside the truth. The loss that is followed is the fine network's:
in some draws no ray meets density in the coarse one, which then never learns, whatever
the arm.
"""

from __future__ import annotations

import base64
import copy
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from studies.data.cameras import find, load
from studies.engine.configs import grid
from studies.engine.loop import Batch, Task
from studies.engine.options import Options
from studies.engine.records import Record, Table, Values
from studies.engine.sweeps import sweep
from studies.models import NeRF, render_rays
from studies.scenes.rendering import pixel_centres, psnr, rays, ssim, to_ndc
from studies.scenes.traced import Views
from studies.tasks.arms import build, matrix_layers
from studies.tasks.curvature import Curvature, hessian_probes
from studies.tasks.measures import gradient_norm, layer_table, weight_probes

ARMS = ("plain", "glorot", "init_E", "E_all", "E", "E_gain", "WN")
HEADS = ("density", "colour")
LLFF = ("fern", "flower", "fortress", "horns", "leaves", "orchids", "room", "trex")
PROBE = 512  # rays to evaluate on
CURVATURE = 32  # of these, how many the Hessian is of
SHOWN = 48  # pixels along the longer side of the view that a record keeps
CHUNK = 4096  # rays to render at a time


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "plain"
    lr: float = 5e-4
    seed: int = 0
    data: str = "analytic"
    factor: int = 16
    depth: int = 8
    width: int = 64
    skip: int = 5
    frequencies: int = 5
    direction_frequencies: int = 2
    rays: int = 256
    coarse: int = 16
    fine: int = 16
    noise: float = 0.0
    decay: float = 0.1
    steps: int = 450


# The paper states eight layers, LLFF's scenes and NeRF's own settings, which are in
# its code: Adam at 5e-4, falling tenfold in 250,000 steps, 200,000 steps of 1,024 rays
# with 64 samples and 64 more (the code's file for the fern), encodings of 10 and 4
# frequencies, density noise 1, images an eighth as large. It leaves open whether the
# heads are equilibrated, the initial weights, and the seeds.
PAPER = Config(
    data="fern", factor=8, width=256, frequencies=10, direction_frequencies=4,
    rays=1024, coarse=64, fine=64, noise=1.0,
    decay=0.1**0.8, steps=200_000,
)  # fmt: skip
REAL = Config(
    data="fern", width=128, frequencies=10, direction_frequencies=4, noise=1.0,
    steps=3000,
)  # fmt: skip
REAL_ARMS = ("plain", "E_all", "E_gain", "init_E", "glorot", "WN")
SMOKE = Config(depth=3, skip=1, width=16, rays=32, coarse=8, fine=8, steps=4)
PRESETS = {
    "smoke": grid(SMOKE, ("plain", "E_all"), (2e-3,), range(1)),
    "cpu": grid(Config(), ARMS, (2e-3, 6e-3), range(2)),
    "real": grid(REAL, REAL_ARMS, (5e-4, 2e-3, 6e-3), range(3)),
    "gpu": grid(replace(PAPER, steps=5000, decay=0.1), ARMS, (5e-4, 2e-3), range(1)),
    "paper": [
        config
        for scene in LLFF
        for config in grid(
            replace(PAPER, data=scene), ARMS, (2e-4, 5e-4, 2e-3, 5e-3), range(5)
        )
    ],
}


def network(config: Config) -> nn.Module:
    """Return the coarse and the fine network of a run, as torch draws them."""
    coarse, fine = (
        NeRF(
            depth=config.depth,
            width=config.width,
            skip=config.skip,
            frequencies=config.frequencies,
            direction_frequencies=config.direction_frequencies,
        )
        for _ in range(2)
    )
    net = nn.ModuleList([coarse, fine])
    names = [name for name, _ in matrix_layers(net)]
    body = tuple(name for name in names if name.split(".")[-1] not in HEADS)
    return build(config.arm, net, chosen=body if config.arm == "E" else ())


@cache
def training_rays(views: Views, device: torch.device) -> Batch:
    """Return origins, directions, viewing directions and colours of all pixels."""
    chosen = [i for i in range(len(views.images)) if i not in views.held_out]
    parts = [view_rays(views, i) for i in chosen]
    return tuple(torch.cat(column).to(device) for column in zip(*parts, strict=True))


def view_rays(views: Views, i: int, stride: int = 1) -> Batch:
    """Return the same of one view, every `stride`-th pixel of every such row."""
    image = views.images[i]
    height, width = image.shape[:2]
    places = pixel_centres(height, width).unflatten(0, (height, width))
    places = places[::stride, ::stride].flatten(0, 1)
    camera = (views.focal, height, width)
    origins, seen = rays(places, views.poses[i], *camera)
    bent = to_ndc(origins, seen, *camera) if views.ndc else (origins, seen)
    colours = image[::stride, ::stride].flatten(0, 1) / 255
    return tuple(x.float() for x in (*bent, seen, colours))


def _both(colours: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
    """Return the sum of the errors of the coarse and the fine colours."""
    coarse, fine = colours
    return mse_loss(coarse, batch[3]) + mse_loss(fine, batch[3])


@dataclass(frozen=True, eq=False)
class _Field:
    """What the loop does with a scene: steps, and looks at both networks."""

    config: Config
    views: Views
    device: torch.device
    train: Batch  # all rays
    probe: Batch  # those of them to evaluate on
    few: Batch  # and those of these that the Hessian is of
    test: Batch  # of the views that were held out

    def shade(
        self,
        net: nn.Module,
        batch: Batch,
        generator: torch.Generator | None = None,
        guide: nn.Module | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the colours that the coarse and the fine network give."""
        views, config = self.views, self.config
        coarse, fine = net.children()
        found = render_rays(
            (coarse, fine), batch[0], batch[1], views.near, views.far,
            num_coarse=config.coarse, num_fine=config.fine, noise=config.noise,
            background=views.background, views=batch[2], generator=generator,
            guide=guide,
        )  # fmt: skip
        return found[0]["colour"], found[1]["colour"]

    def plain_loss(self, net: nn.Module, batch: Batch) -> Tensor:
        return _both(self.shade(net, batch), batch)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        # the CPU's, which the loop seeds at every step: a GPU's would draw others
        return _both(self.shade(net, batch, torch.default_generator), batch)

    def held_loss(self, guide: nn.Module, net: nn.Module, batch: Batch) -> Tensor:
        """Return the loss at samples that `guide` draws, whatever the weights are."""
        return _both(self.shade(net, batch, guide=guide), batch)

    def batch(self, _step: int, generator: torch.Generator) -> Batch:
        train, count = self.train, self.config.rays
        chosen = torch.randint(len(train[0]), (count,), generator=generator)
        return tuple(part[chosen.to(self.device)] for part in train)

    def evaluate(self, net: nn.Module) -> dict[str, float]:
        colours = self.shade(net, self.test)[1]
        return {
            "probe_loss": float(
                mse_loss(self.shade(net, self.probe)[1], self.probe[3])
            ),
            "psnr": psnr(colours, self.test[3]),
        }

    def look(self, net: nn.Module, made: torch.optim.Optimizer) -> dict[str, float]:
        return {
            **weight_probes(net, made.param_groups[0]["lr"]),
            "grad_norm": gradient_norm(net, self.plain_loss, self.few),
        }

    def describe(self, net: nn.Module) -> Table:
        image, truth = render_view(
            lambda rays: self.shade(net, rays)[1], self.views, self.device
        )
        return {
            **layer_table(net),
            "ssim": round(ssim(image, truth), 4),
            "render": to_png(image),
            "truth": to_png(truth),
        }


def make_task(
    config: Config, options: Options, measure: Curvature = hessian_probes
) -> Task:
    """Return what a run trains."""
    views = load(config.data, options.data, factor=config.factor)
    device = options.device
    train = training_rays(views, device)
    probe = _some(train, PROBE)
    few = tuple(part[:CURVATURE] for part in probe)
    held_out = tuple(map(torch.cat, zip(*_tests(views), strict=True)))
    test = tuple(part.to(device) for part in _some(held_out, PROBE))
    scene = _Field(config, views, device, train, probe, few, test)

    def curvature(net: nn.Module) -> Values:
        coarse = copy.deepcopy(next(net.children()))
        return measure(net, partial(scene.held_loss, coarse), scene.few)

    return Task(
        network=lambda: network(config),
        optimiser=lambda net: torch.optim.Adam(net.parameters(), lr=config.lr),
        batch=scene.batch,
        loss=scene.loss,
        evaluate=scene.evaluate,
        probe=scene.look,
        curvature=curvature,
        describe=scene.describe,
        schedule=lambda done: config.decay**done,
    )


def render_view(
    colours: Callable[[Batch], Tensor], views: Views, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the first held-out view as it is rendered and as it was, made smaller."""
    i = views.held_out[0]
    height, width = views.images.shape[1:3]
    stride = math.ceil(max(height, width) / SHOWN)
    shape = (math.ceil(height / stride), math.ceil(width / stride), 3)
    batch = tuple(part.to(device) for part in view_rays(views, i, stride))
    chunks = zip(*(part.split(CHUNK) for part in batch), strict=True)
    with torch.no_grad():
        image = torch.cat([colours(chunk).cpu() for chunk in chunks])
    return image.clamp(0, 1).reshape(shape), batch[3].cpu().reshape(shape)


def to_png(image: Tensor) -> str:
    """Return an image with values from 0 to 1 as a PNG file in base 64."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray((255 * image).round().byte().numpy()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _tests(views: Views) -> list[Batch]:
    return [view_rays(views, i) for i in views.held_out]


def _some(batch: Batch, count: int) -> Batch:
    """Return a fixed random choice of rays."""
    generator = torch.Generator().manual_seed(0)
    fixed = torch.randperm(len(batch[0]), generator=generator)[:count]
    return tuple(part[fixed.to(part.device)] for part in batch)


def main(options: Options) -> list[Record]:
    """Run every arm, on the fern where it is given."""
    configs = PRESETS[options.preset]
    if find("fern", options.data) is not None and options.preset != "smoke":
        configs = [
            replace(config, data="fern") if config.data == "analytic" else config
            for config in configs
        ]
    return sweep("nerf", configs, make_task, options)
