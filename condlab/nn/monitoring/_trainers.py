"""Callbacks of others' training loops, made where those loops are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning.pytorch import Callback, Trainer
    from torch.optim import Optimizer
    from transformers import (
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

    from condlab.nn.monitoring.monitor import Monitor, MonitorState


def hugging_face(monitor: Monitor) -> TrainerCallback:
    """Return a TrainerCallback that steps the monitor after each optimiser step."""
    try:
        from transformers import TrainerCallback
    except ModuleNotFoundError as error:
        raise ImportError(
            "a callback for Hugging Face's Trainer needs transformers; install it, or "
            "call monitor.step() in the loop"
        ) from error

    class Stepped(TrainerCallback):
        def on_train_begin(
            self,
            _args: TrainingArguments,
            state: TrainerState,
            _control: TrainerControl,
            optimizer: Optimizer | None = None,
            **_kwargs: object,
        ) -> None:
            monitor.optimizer = monitor.optimizer or optimizer
            if state.global_step:  # goes on; what is new leaves old files alone
                monitor.rewind(state.global_step)

        def on_step_end(
            self,
            _args: TrainingArguments,
            state: TrainerState,
            _control: TrainerControl,
            **_kwargs: object,
        ) -> None:
            monitor.step(state.global_step)

    return Stepped()


def lightning(monitor: Monitor) -> Callback:
    """Return a Callback that steps the monitor after each optimiser step."""
    try:
        from lightning.pytorch import Callback as Base
    except ModuleNotFoundError:
        try:
            from pytorch_lightning import Callback as Base
        except ModuleNotFoundError as error:
            raise ImportError(
                "a callback for Lightning needs lightning or pytorch_lightning; "
                "install one, or call monitor.step() in the loop"
            ) from error

    class Stepped(Base):
        def on_train_start(self, trainer: Trainer, _module: object) -> None:
            optimizers = trainer.optimizers
            monitor.optimizer = monitor.optimizer or next(iter(optimizers), None)
            if trainer.global_step:
                monitor.rewind(trainer.global_step)

        def on_train_batch_end(self, trainer: Trainer, *_rest: object) -> None:
            monitor.step(trainer.global_step)

        def state_dict(self) -> MonitorState:
            return monitor.state_dict()

        def load_state_dict(self, state: MonitorState) -> None:
            monitor.load_state_dict(state)

    return Stepped()
