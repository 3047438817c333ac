"""The main finding in a sentence; significance only where Holm's p is below .05."""

from foveal.report.contrasts import Contrast
from foveal.report.glossary import metric_of
from foveal.report.lead import Lead, lead_of, left_out_value
from foveal.report.reading import Results, finite, metrics_of
from foveal.report.words import (
    TARGET_ARM,
    capital,
    count,
    labels_to_target,
    number,
    p_words,
    signed,
    whole_labels,
)


def verdict(contrast: Contrast | None, rival: str) -> str:
    """What the test of the leading arm against its rival allows to say."""
    if contrast is None or contrast.p_holm is None:
        return f"the difference from {rival} was not tested"
    p = f"p (Holm) {p_words(contrast.p_holm)}".replace(" ", "\u00a0")
    if not contrast.shown:
        return f"no difference from {rival} was shown over the whole curve ({p})"
    size = f"AUBC {signed(contrast.difference)}"
    return f"the difference from {rival} over the whole curve is significant ({size}, {p})"


def headline(results: Results) -> str:
    """The main finding; labels saved are claimed only where a difference is shown."""
    metric = next(iter(metrics_of(results)), "")
    lead = lead_of(results, metric)
    if lead is None:
        return "No round has been evaluated yet."
    level = f"{lead.arm.shown} reaches {number(lead.end.mean, 2)} {metric_of(metric).title}"
    final = f"{level} with {count(lead.end.labels, 'label')}"
    if lead.undecided:
        return f"{final}{_beside_others(results, lead)}."
    if lead.rival is None or lead.rival_end is None:
        return f"{final}."
    beside = f"{final}; {lead.rival.shown} reaches {number(lead.rival_end.mean, 2)}"
    if lead.contrast is None or lead.contrast.p_holm is None:
        return f"{beside}."
    if not lead.contrast.shown:
        return f"{beside}, and no difference was shown."
    need = labels_to_target(results, lead.arm.name, metric)
    if need is None or lead.rival.name != TARGET_ARM or need >= lead.rival_end.labels:
        return f"{beside}."
    early = count(whole_labels(need), "label")
    level = number(lead.rival_end.mean, 2)
    of = f"{lead.rival.shown} reaches with {lead.rival_end.labels:,} ({level})"
    return f"{final}; what {of}, it reaches with {early}."


def certainty(results: Results) -> str:
    """How far the main finding may be trusted: the test, the seeds, and the choice among many."""
    metric = next(iter(metrics_of(results)), "")
    lead = lead_of(results, metric)
    if lead is None:
        return ""
    if lead.end.n < 2:
        return "A single run says nothing about chance; repeat it with several seeds."
    seeds = f"Means over {count(lead.end.n, 'seed')}"
    if lead.undecided:
        why = "the best of several by its last value owes much to luck, so none is named."
        return " ".join([f"{seeds}; {why}", *_left_out(results, metric)])
    if lead.rival is None:
        return f"{seeds}."
    said = f"{seeds}; {verdict(lead.contrast, lead.rival.shown)}."
    if lead.others < 2:
        return said
    chosen = (
        f"It has the largest gain of {lead.better} that were shown to be better, among "
        f"{lead.others} {_arms(lead)} compared"
        if lead.better > 1
        else f"It is the only one of {lead.others} {_arms(lead)} that was shown to be better"
    )
    return " ".join([said, f"{chosen}.", *_left_out(results, metric)])


def curve_title(results: Results, metric: str) -> str:
    """The finding above a learning curve."""
    lead = lead_of(results, metric)
    if lead is None:
        return metric_of(metric).title
    reached = f"{number(lead.end.mean, 2)} with {count(lead.end.labels, 'label')}"
    level = f"{lead.arm.shown} reaches {reached}"
    if lead.undecided:
        return f"{level}{_beside_others(results, lead, metric)}"
    if lead.rival is None or lead.rival_end is None:
        return level
    beside = f"{level}; {lead.rival.shown} {number(lead.rival_end.mean, 2)}"
    if lead.contrast is None or lead.contrast.p_holm is None:
        return beside
    return f"{beside}. {capital(verdict(lead.contrast, lead.rival.shown))}"


def _beside_others(results: Results, lead: Lead, metric: str | None = None) -> str:
    tested = any(
        finite(test.get("p_holm")) is not None and metric in (None, test.get("metric"))
        for test in results.get("tests") or ()
    )
    if tested:
        return f", and none of the {lead.others} other {_arms(lead)} was shown to be better"
    return f"; its difference from the {lead.others} other {_arms(lead)} was not tested"


def _arms(lead: Lead) -> str:
    return "honest arms" if lead.aside else "arms"


def _left_out(results: Results, metric: str) -> list[str]:
    """What choosing the best arm is worth, if the choice may not see the seed it is judged by."""
    value = left_out_value(results, metric)
    if value is None:
        return []
    aubc = ((results.get("summary") or {}).get(TARGET_ARM) or {}).get(metric) or {}
    random = finite((aubc.get("aubc") or {}).get("mean"))
    beside = "" if random is None else f"; that of {TARGET_ARM} is {number(random)}"
    return [
        f"The arm that leads on all seeds but one has on the one left out an AUBC of "
        f"{number(value)} on average{beside}."
    ]
