"""A made-up head at two time points, side by side, for the guide.

python results/pair_figure.py docs/pairs.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from foveal.data.pairs import PairSettings, compared, decoded_difference
from foveal.explain.pair_panel import pair_panel
from head_phantom import grid, head, lesion_mask, rigid

SHAPE, SPACING = (116, 132, 40), (1.4, 1.4, 4.0)
CHANGED = 0.25  # difference above which a pixel counts as changed, in the last tile
ENLARGED = 2


def main(out: Path) -> None:
    """The fullest slice of a pair whose follow-up is turned, shifted, and has a lesion more."""
    affine = grid(SHAPE, SPACING)
    before = head(affine=affine, shape=SHAPE, noise=12, seed=1)
    moved = rigid((1.5, -2.0, 3.0), (2.0, -3.0, 1.5))
    after = head(moved, lesion=True, affine=affine, shape=SHAPE, noise=12, seed=2)
    made = compared(before, after, lesion_mask(SHAPE, affine), None, PairSettings())
    images, masks = made.slices.images, made.slices.masks
    assert masks is not None
    best = int(masks.reshape(len(masks), -1).sum(1).argmax())
    picture = images[best].astype(np.float64) / 65535
    changed = decoded_difference(images[best : best + 1])[0] > CHANGED
    panel = pair_panel(picture, masks[best] > 0, changed, full=0.6)
    Image.fromarray(panel.repeat(ENLARGED, 0).repeat(ENLARGED, 1)).save(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
