"""Where runs are done: processes here, or a cluster, by joblib's own backends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import joblib

BACKENDS = ("loky", "multiprocessing", "dask", "ray")
CLUSTERS = {"dask": "dask[distributed]", "ray": "ray[default]"}


@contextmanager
def workers(backend: str, cluster: str | None, jobs: int) -> Iterator[None]:
    """Have joblib use a backend within.

    Parameters
    ----------
    backend : str
        One of `BACKENDS`. Threads share torch's random numbers and are not offered.
    cluster : str or None
        Address of a Dask or Ray cluster; None starts one of `jobs` processes here.
    jobs : int
        Runs at a time.
    """
    if backend not in BACKENDS:
        raise ValueError(
            f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}"
        )
    if backend not in CLUSTERS:
        with joblib.parallel_config(backend, inner_max_num_threads=None):
            yield
        return
    with _connected(backend, cluster, jobs), joblib.parallel_config(backend):
        yield


@contextmanager
def _connected(backend: str, cluster: str | None, jobs: int) -> Iterator[None]:
    try:
        if backend == "dask":
            from distributed import Client
        else:
            import ray
            from ray.util.joblib import register_ray
    except ModuleNotFoundError as error:
        package = CLUSTERS[backend]
        raise ModuleNotFoundError(
            f"the {backend} backend needs {package}; install it with: "
            f"pip install '{package}'"
        ) from error
    if backend == "ray":
        # Its workers here would look for `studies` where the driver's file is.
        paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
        local = {"num_cpus": jobs, "runtime_env": {"env_vars": paths}}
        ray.init(cluster, **({} if cluster else local))
        try:
            register_ray()
            yield
        finally:
            ray.shutdown()
        return
    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    with Client(cluster) if cluster else Client(**own):
        yield
