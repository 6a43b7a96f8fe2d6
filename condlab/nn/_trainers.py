"""Callbacks of others' training loops, made where those loops are installed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from condlab.nn.monitor import Monitor


def hugging_face(monitor: Monitor) -> Any:
    """Return a TrainerCallback that steps the monitor after each optimiser step."""
    try:
        from transformers import TrainerCallback
    except ModuleNotFoundError as error:
        raise ImportError(
            "a callback for Hugging Face's Trainer needs transformers; install it, or "
            "call monitor.step() in the loop"
        ) from error

    class Callback(TrainerCallback):
        def on_train_begin(
            self, _args: Any, state: Any, _control: Any, **kwargs: Any
        ) -> None:
            monitor.optimizer = monitor.optimizer or kwargs.get("optimizer")
            if state.global_step:  # goes on; what is new leaves old files alone
                monitor.rewind(state.global_step)

        def on_step_end(
            self, _args: Any, state: Any, _control: Any, **_kwargs: Any
        ) -> None:
            monitor.step(state.global_step)

    return Callback()


def lightning(monitor: Monitor) -> Any:
    """Return a Callback that steps the monitor after each optimiser step."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            base: Any = importlib.import_module(name).Callback
            break
        except ModuleNotFoundError:
            continue
    else:
        raise ImportError(
            "a callback for Lightning needs lightning or pytorch_lightning; install "
            "one, or call monitor.step() in the loop"
        )

    class Callback(base):
        def on_train_start(self, trainer: Any, _module: Any) -> None:
            optimizers = trainer.optimizers
            monitor.optimizer = monitor.optimizer or next(iter(optimizers), None)
            if trainer.global_step:
                monitor.rewind(trainer.global_step)

        def on_train_batch_end(self, trainer: Any, *_rest: Any) -> None:
            monitor.step(trainer.global_step)

        def state_dict(self) -> dict[str, Any]:
            return monitor.state_dict()

        def load_state_dict(self, state: dict[str, Any]) -> None:
            monitor.load_state_dict(state)

    return Callback()
