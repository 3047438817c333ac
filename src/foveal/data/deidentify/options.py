"""Options of de-identification: what is kept beyond the Basic Profile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to keep. The defaults are the Basic Profile with dates shifted.

    shift_dates: dates move back by a number of days of the patient's own, so that intervals stay;
        else they are removed, emptied or replaced as the profile says. Times of day stay as they
        are, since a time of day alone names no day and many are needed (uptake, phases).
    whole_hours: times of day are cut to the hour.
    characteristics: sex, age (over 89 becomes 90), size, weight and the like are kept.
    device: identity of the device is kept.
    descriptors: descriptions keep the words that are in the vocabulary; else they are removed.
    burned_in: files whose pixels may show text or a face are let through; the pixels stay as
        they are.
    """

    shift_dates: bool = True
    whole_hours: bool = False
    characteristics: bool = False
    device: bool = False
    descriptors: bool = False
    burned_in: bool = False

    def codes(self) -> tuple[tuple[str, str], ...]:
        """Code values and meanings (scheme DCM) of the profile and the options used."""
        used = (
            ("113100", "Basic Application Confidentiality Profile", True),
            ("113105", "Clean Descriptors Option", self.descriptors),
            (
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
                self.shift_dates,
            ),
            ("113108", "Retain Patient Characteristics Option", self.characteristics),
            ("113109", "Retain Device Identity Option", self.device),
        )
        return tuple((code, meaning) for code, meaning, on in used if on)
