"""Where the tests of this folder run: a GPU, or the device of CONDLAB_TEST_DEVICE.

``CONDLAB_TEST_DEVICE=cpu pytest -m gpu tests/gpu`` compares the CPU with itself, which
shows that the tests are right where no GPU is.
"""

import os

import pytest
import torch

WANTED = os.environ.get("CONDLAB_TEST_DEVICE", "cuda")


@pytest.fixture
def device():
    if WANTED == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    return torch.device(WANTED)
