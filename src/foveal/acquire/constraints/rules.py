"""What a batch must respect, as the user says it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from foveal.core.errors import SpecError, near_miss
from foveal.core.pool import SampleId

Balance = Literal["none", "predicted"]
Shares = Literal["none", "equal", "proportional"]
Whole = Literal["none", "mean", "top"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a batch must respect besides the strategy's wish.

    Hard caps: `per_group` is the most samples of one group (patient) in a batch, `per_study` the
    most of one study, and `one_per_cluster` allows one of each set of near-duplicates.
    `per_group_total` is the most samples of one group over all rounds, labeled ones counted.

    Soft shares: `balance="predicted"` shares the budget equally among the classes the model
    predicts. `per_stratum` shares it among strata (sites, scanners, any column): `equal` gives
    all the same, `proportional` each its share of the candidates, to within one. What cannot be
    shared exactly goes to the best scores, and what a stratum cannot fill to the others.

    `whole` asks for units such as volumes as a whole, ranked by the `mean` of their samples' scores
    or that of the `top` tenth. Caps and shares then count units; near-duplicates within one are
    asked with it.

    `exclude` are samples that must not be asked. `pin` are samples that must: they come first, in
    their order, and count towards the budget, the caps and the shares. A selector chooses the
    rest without knowing of them.

    With `relax` a budget that the caps put out of reach is still filled, by raising caps in the
    order of this package, and the query says so; pins may then break a cap. Without it the query
    is shorter than the budget, and pins that break a hard cap are refused. Soft shares give way
    in either case.

    Raises:
        SpecError: if a cap is below 1, a word unknown, units are to be balanced by the classes of
            their samples, or a sample is pinned twice or pinned and excluded.
    """

    per_group: int | None = None
    one_per_cluster: bool = False
    balance: Balance = "none"
    exclude: Collection[SampleId] = ()
    relax: bool = True
    per_study: int | None = None
    per_stratum: Shares = "none"
    pin: Sequence[SampleId] = ()
    per_group_total: int | None = None
    whole: Whole = "none"

    def __post_init__(self) -> None:
        caps = ("per_group", "per_study", "per_group_total")
        for name, cap in ((name, getattr(self, name)) for name in caps):
            if cap is not None and cap < 1:
                raise SpecError(f"`{name}` must be at least 1, or None for no cap, not {cap}")
        _check_word("balance", self.balance, get_args(Balance))
        _check_word("per_stratum", self.per_stratum, get_args(Shares))
        _check_word("whole", self.whole, get_args(Whole))
        if self.whole != "none" and self.balance != "none":
            raise SpecError(
                "`balance` shares samples among predicted classes, but a whole unit has samples of "
                "several; set `balance` to none, or ask for samples one by one"
            )
        self._check_pin()

    def _check_pin(self) -> None:
        if isinstance(self.pin, str):
            raise SpecError(f"`pin` must be several ids, not the text {self.pin!r}; pass a tuple")
        twice = [i for i, times in Counter(self.pin).items() if times > 1]
        if twice:
            raise SpecError(f"a sample can be pinned once, but {twice[0]!r} is pinned repeatedly")
        barred = frozenset(self.exclude)
        both = [i for i in self.pin if i in barred]
        if both:
            raise SpecError(
                f"a sample cannot be both pinned and excluded, but {both[0]!r} is; take it out of "
                "`pin` or of `exclude`"
            )


def _check_word(setting: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise SpecError(f"no {setting} {word!r}.{near_miss(word, known)}")
