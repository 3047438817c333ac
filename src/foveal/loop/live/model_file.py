"""Model file: a project's last model as ONNX."""

from pathlib import Path

from foveal.core.errors import DataError
from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import bench_of
from foveal.loop.crafts import craft_of
from foveal.loop.live.init import collection_of
from foveal.loop.live.truth import known_bench
from foveal.models import Learner, build_backbone, to_onnx
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState


def onnx_of(live: LiveState, spec: ExperimentSpec, blobs: Blobs, folder: Path) -> bytes:
    """The last model, from images on the network's grid to probabilities.

    Raises:
        DataError: if nothing was trained yet, or the task is not classification.
    """
    if not live.trained:
        raise DataError("there is no model yet; it is made after the first training")
    if spec.task != "classification":
        raise DataError(
            f"ONNX is written of models for classes, but the task is {spec.task}; export it with "
            "--format model (safetensors)"
        )
    bench = bench_of(spec, collection_of(spec, folder))
    craft = craft_of(spec, known_bench(bench, live, blobs))
    learner = craft.restore(blobs.get(live.trained[-1].checkpoint))
    assert isinstance(learner, Learner)
    backbone = build_backbone(spec.model) if spec.model.mode == "features" else None
    return to_onnx(learner, backbone, bench.pixels.channels, bench.pixels.size)
