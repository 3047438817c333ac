"""One round of learning to outline: as many U-Nets as the ensemble has members."""

from functools import partial

from foveal.core.chance import integer_seed
from foveal.core.errors import SpecError
from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models.compute import Progress, seeded, silent
from foveal.models.history import History
from foveal.models.inputs import Inputs
from foveal.models.segment.network import UNet
from foveal.models.segment.segmenter import Segmenter
from foveal.models.segment.strokes import Paste, Strokes
from foveal.models.segment.train import PixelCourse, train_unet


def learn_segmenter(
    inputs: Inputs,
    lessons: Strokes,
    segment: SegmentSpec,
    model: ModelSpec,
    train: TrainSpec,
    seed: int,
    round_number: int = 0,
    channels: int = 1,
    dimensions: int = 2,
    previous: Segmenter | None = None,
    validation: Strokes | None = None,
    progress: Progress = silent,
    flips: bool = True,
    paste: Paste | None = None,
) -> tuple[Segmenter, History]:
    """A segmenter from strokes; depends on its arguments alone, so a round can be repeated.

    Args:
        inputs: images (b, channels, *S) in [0, 1]: pictures, or tiles of volumes.
        model: its dropout is that of the U-Net; all else there is about classification.
        seed, round_number: name the chance of initialization, batches, dropout and augmentation.
        previous: where to start from if `train.warm_start`.
        flips: whether augmentation may mirror images; not where left and right matter.
        paste: changes the images and masks of a batch before they are augmented.
    Returns:
        the segmenter, and how the training of its (first) network went.
    Raises:
        SpecError: if the previous segmenter has other settings.
    """
    networks, histories = [], []
    for member in range(train.members):
        with seeded(integer_seed(seed, _purpose("weights of the U-Net", member), round_number)):
            network = UNet(channels, dimensions, segment.widths, model.dropout)
        if train.warm_start and previous is not None:
            _continue(network, previous, member)
        course = PixelCourse(
            inputs,
            lessons,
            segment,
            train,
            dimensions,
            integer_seed(seed, _purpose("training of the U-Net", member), round_number),
            validation,
            flips,
            paste,
        )
        watched = partial(_overall, progress, member, train.members)
        histories.append(train_unet(network, course, watched))
        networks.append(network)
    return Segmenter(tuple(networks)), histories[0]


def _continue(network: UNet, previous: Segmenter, member: int) -> None:
    try:
        network.load_state_dict(previous.members[member].state_dict())
    except (RuntimeError, IndexError) as error:
        raise SpecError(
            "`train.warm_start` needs a previous model of the same `segment.widths`, channels and "
            "`train.members`, but these differ; set `train.warm_start` to false"
        ) from error


def _purpose(of: str, member: int) -> str:
    """The first member of an ensemble is the network that would be trained alone."""
    return f"{of}, member {member}" if member else of


def _overall(progress: Progress, member: int, members: int, done: int, of: int) -> None:
    progress(member * of + done, members * of)
