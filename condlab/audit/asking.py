"""Tell a library's refusal from a fault of the adapter that asks it.

An adapter calls its library through `asked`, and through nothing else. What is raised
there is the library's refusal; what is raised elsewhere in the adapter is condlab's
own fault, and so is wrong code of condlab that a library calls back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")
Ask: TypeAlias = Callable[[np.ndarray], object]  # the adapter of a function of a matrix

# What wrong code raises. Compiled libraries, which leave no frame, raise others.
_WRONG = (AttributeError, ImportError, LookupError, NameError, TypeError, ValueError)


class RefusalError(Exception):
    """A library gives no answer, and says why."""


class AdapterError(RuntimeError):
    """An adapter of condlab fails; this says nothing of the library that it asks."""


def asked(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of a library; what it raises becomes a `RefusalError`.

    Raises
    ------
    RefusalError
        If the library raises.
    Exception
        What a call that does not fit the function raises, and what code of this
        package does, where the function calls it back.

    Examples
    --------
    >>> asked(np.linalg.inv, np.zeros((2, 2)))
    Traceback (most recent call last):
    condlab.audit.asking.RefusalError: LinAlgError: Singular matrix
    """
    _require_fit(function, args, kwargs)
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if any(map(_is_fault, _chain(error))):
            raise
        raise RefusalError(f"{type(error).__name__}: {error}") from error


def _require_fit(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    """Raise TypeError where a function does not take these arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a compiled one may have none
        return
    signature.bind(*args, **kwargs)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and those that it was raised for; one may name itself."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def _is_fault(error: BaseException) -> bool:
    frame = _innermost(error)
    if frame is None:
        return False
    if frame.f_code is asked.__code__:  # a compiled function's, which may say no fit
        return isinstance(error, TypeError)
    package = frame.f_globals.get("__name__", "").rpartition(".")[0]
    return package.startswith(str(__package__)) and isinstance(error, _WRONG)


def _innermost(error: BaseException) -> FrameType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return None if trace is None else trace.tb_frame
