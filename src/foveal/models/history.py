"""History: how a training went; with a validation part it stops early and keeps the best epoch."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn


@dataclass(slots=True)
class History:
    """Mean training loss and validation loss of each epoch, and the epoch that was kept.

    On several devices the training loss is that of the first device's share.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: int = 0


class Epochs:
    """Follows the epochs of a training.

    Args:
        validate: measures the loss on the validation part; None without one.
        patience: epochs without a better one until it is time to stop; None or 0: never.
    """

    def __init__(
        self, network: nn.Module, validate: Callable[[], float] | None, patience: int | None
    ) -> None:
        self._network, self._patience = network, patience or 0
        self._validate = validate if patience else None
        self._best: dict[str, Tensor] = {}
        self._history = History()

    def over(self, losses: Sequence[float]) -> bool:
        """Note the batches' losses of an epoch; whether it is time to stop."""
        history = self._history
        epoch = history.kept = len(history.losses)
        history.losses.append(float(np.mean(losses)))
        if self._validate is None:
            return False
        history.validation.append(self._validate())
        history.kept = int(np.argmin(history.validation))
        if history.kept == epoch:
            self._best = copy.deepcopy(self._network.state_dict())
        return epoch - history.kept >= self._patience

    def kept(self) -> History:
        """Give the network the best epoch's weights, if any was measured, and tell how it went."""
        if self._best:
            self._network.load_state_dict(self._best)
        return self._history
