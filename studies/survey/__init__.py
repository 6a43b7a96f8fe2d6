"""Ask which of a survey's sentences on normalisation runs bear out.

    python -m studies survey --preset cpu

The `real` preset (434 runs) has CIFAR-10 at 16 pixels, rows of MNIST and three tables
of scikit-learn's; it is to take some forty minutes of one core. The survey is
Wikipedia's "Normalization (machine learning)". What it says of training is asked by
experiments, each with a plain arm:

============== =====================================================================
"placement"    Batch norm before the activation, or after it; with noise behind it
               that undoes what it does to moments; how far layers move under each
               other, and how rough the loss is.
"warm_up"      Transformers with the norm in front of each block ("plain") or behind
               it ("post"), with warm-up and without.
"initial"      The same at their start, at several depths: the last layer's gradient.
"improvements" Batch norm ("plain") with weight decay on gamma and beta, in ghost
               batches, over groups of channels, or with moving averages simulated.
"recurrent"    A gated unit over rows of images, without a norm, with layer norm, and
               with batch norm of each step.
"norm_free"    Residual networks with batch norm ("plain") and without norms, with
               adaptive gradient clipping or without, in small and large batches.
"units"        Gradient descent on a linear model, its features as they were measured
               ("plain"), or normalised in three ways.
============== =====================================================================
"""

from studies.survey.config import EXPERIMENTS, PRESETS, Config
from studies.survey.networks import network
from studies.survey.run import main, task

__all__ = ["EXPERIMENTS", "PRESETS", "Config", "main", "network", "task"]
