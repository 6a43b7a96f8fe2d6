"""Held-out views beside the truth."""

import base64
import io

import matplotlib.image
import numpy as np
import pytest

from studies.figures.renders import renders_figure


def png(level):
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.full((4, 6, 3), level), format="png")
    return base64.b64encode(file.getvalue()).decode()


def view(level, psnr):
    return {"render": png(level), "truth": png(1.0), "ssim": 0.5, "psnr": psnr}


def setting(**psnr):
    arms = {
        arm: {"best_lr": 0.01, "view": view(i / 4, value)}
        for i, (arm, value) in enumerate(psnr.items())
    }
    return {"study": "nerf", "steps": 100, "arms": arms}


def test_the_truth_comes_first_and_each_arm_under_its_name():
    axes = renders_figure(setting(plain=17.0, E_all=19.5)).axes
    assert [a.get_xlabel().split(",")[0] for a in axes] == ["truth", "plain", "E_all"]
    levels = [float(a.images[0].get_array()[0, 0, 0]) for a in axes]
    assert levels == pytest.approx([1.0, 0.0, 0.25], abs=1 / 255)
    assert "19.5 dB" in axes[2].get_xlabel()


@pytest.mark.parametrize(
    ("psnr", "words"),
    [
        ({"plain": 17.0, "E_all": 19.5}, "E_all is best, 2.5 dB above plain"),
        ({"plain": 17.0, "E_all": 12.0}, "plain is best, at 17.0 dB"),
    ],
)
def test_the_title_says_which_arm_is_best(psnr, words):
    (title,) = renders_figure(setting(**psnr)).texts
    assert words in title.get_text().replace("\n", " ")
