"""MONAI Label: any Foveal strategy as an active-learning strategy of an app, fed by its scoring.

Example:
    from foveal.adapters.monai_label import FovealScoring, FovealStrategy

    class MyApp(MONAILabelApp):
        def init_scoring_methods(self):
            return {"foveal": FovealScoring(describe, version=lambda: str(os.stat(model).st_mtime))}

        def init_strategies(self):
            return {"badge": FovealStrategy("badge"), "entropy": FovealStrategy("entropy")}

`describe(path)` returns what the app's model says of an image: {"probs": (C,), "embedding": (D,)}.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy

from foveal.acquire import get
from foveal.adapters.datastore import KEY, Datastore, next_image, write_evidence
from foveal.core.arrays import AnyArray
from foveal.core.query import Setting


class FovealScoring(ScoringMethod):  # type: ignore[misc]
    """Writes what a model says of every image into the datastore, for `FovealStrategy` to read.

    Args:
        describe: where an image lies to its arrays by the names of evidence; see
            `foveal.adapters.datastore.write_evidence`.
        version: of the model, such as its file's time; what it has described is not described
            again. Scores of different versions are never compared.
        key: of the notes in the datastore; strategies must have the same.
    """

    def __init__(
        self,
        describe: Callable[[str], Mapping[str, AnyArray]],
        version: Callable[[], str],
        key: str = KEY,
    ) -> None:
        super().__init__("What the model says of every image, for Foveal's strategies")
        self.describe = describe
        self.version = version
        self.key = key

    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, Any]:
        """Describe what the present model has not described; a summary as other methods give it."""
        began = time.perf_counter()
        done, passed = write_evidence(datastore, self.describe, self.version(), key=self.key)
        return {
            "total": done + passed,
            "skipped": passed,
            "executed": done,
            "latency": round(time.perf_counter() - began, 3),
        }


class FovealStrategy(Strategy):  # type: ignore[misc]
    """A strategy of Foveal by name, reading what `FovealScoring` has written.

    Args:
        name: the strategy, or an expression such as `0.7*entropy + 0.3*misalignment`.
        settings: of the strategy.
        class_of: class index of a labeled image, for strategies that read labels; labels here are
            usually masks, and have none.
        sought: class indices of which the labeled ones are exemplars, for targeted strategies.
        hold_seconds: an image that was handed out so short a time ago goes to nobody else, unless
            nothing else is left.
        seed: of ties and draws; the number of labels is added, so rounds differ.
        key: of the notes in the datastore.

    Raises:
        UnknownName: no such strategy.
    """

    def __init__(
        self,
        name: str = "entropy",
        settings: Mapping[str, Setting] | None = None,
        class_of: Callable[[str], int | None] | None = None,
        sought: Sequence[int] = (),
        hold_seconds: float = 600,
        seed: int = 0,
        key: str = KEY,
    ) -> None:
        get(name)
        super().__init__(f"Foveal: {name}")
        self.name = name
        self.settings = settings
        self.class_of = class_of
        self.sought = sought
        self.hold_seconds = hold_seconds
        self.seed = seed
        self.key = key

    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, Any] | None:
        """The image to annotate next; None if all are labeled.

        Raises:
            FovealError: if no unlabeled image has been described, and whatever the strategy lacks.
        """
        return next_image(
            datastore,
            self.name,
            request,
            settings=self.settings,
            class_of=self.class_of,
            sought=self.sought,
            hold_seconds=self.hold_seconds,
            seed=self.seed,
            key=self.key,
        )
