"""PCDAL: samples whose prediction is swayed by what should not matter, such as a flip."""

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.acquire.strategies.bayesian import variance_over_draws
from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError


def _why(facts: Facts) -> str:
    change = f"its probabilities change by {facts['score'] ** 0.5:.2f} from view to view"
    return f"{change}; {facts['standing']}"


@scorer("pcdal", needs=("view_probs",), tasks=BOTH, why=_why)
def pcdal(view_probs: FloatArray) -> FloatArray:
    """Variance of the prediction over views of the image: mean over v and c of (P_vc - mean P_c)^2.

    Where left and right matter, flips are no harmless change; use views that add noise. The score
    falls as classes are added, so compare it within one task only.

    Args:
        view_probs: (V, n, C) probabilities of V views (the image, its flips, or noisy copies); rows
            sum to 1.

    Returns:
        (n,) in [0, 0.25]; 0 where all views agree, as for a model that flips do not sway.

    Raises:
        EvidenceError: if V < 2.
    Source:
        PCDAL 2023, arXiv:2306.16918.
    """
    if len(view_probs) < 2:
        raise EvidenceError(
            f"`view_probs` must hold at least 2 views, but holds {len(view_probs)}; set "
            "`acquire.views.views` to 2 or more"
        )
    score: FloatArray = variance_over_draws(view_probs).mean(axis=1)
    return score
