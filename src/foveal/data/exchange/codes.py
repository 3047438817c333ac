"""Codes: what a segment's name means in SNOMED CT, as DICOM's context groups have it.

A name that is not listed gets the code of its category, "Morphologically abnormal structure": it
says no more than that somebody drew something that is not normal anatomy. No private code is made
up; the name itself is kept as the segment's label.
"""

from collections.abc import Mapping
from typing import Any

from pydicom.sr.codedict import codes

ABNORMAL = codes.SCT.MorphologicallyAbnormalStructure
ANATOMY = codes.SCT.AnatomicalStructure
FINDINGS: Mapping[str, str] = {
    "lesion": "Lesion",
    "tumor": "Neoplasm",
    "tumour": "Neoplasm",
    "neoplasm": "Neoplasm",
    "mass": "Mass",
    "nodule": "Nodule",
    "edema": "Edema",
    "oedema": "Edema",
    "necrosis": "Necrosis",
    "hemorrhage": "Hemorrhage",
    "haemorrhage": "Hemorrhage",
}
ORGANS: Mapping[str, str] = {
    "brain": "Brain",
    "breast": "Breast",
    "heart": "Heart",
    "kidney": "Kidney",
    "liver": "Liver",
    "lung": "Lung",
    "pancreas": "Pancreas",
    "prostate": "Prostate",
    "spleen": "Spleen",
}


def code_of(name: str) -> tuple[Any, Any]:
    """Category and type of a segment; case and blanks around do not matter."""
    word = name.strip().lower()
    if word in ORGANS:
        return ANATOMY, getattr(codes.SCT, ORGANS[word])
    return ABNORMAL, getattr(codes.SCT, FINDINGS[word]) if word in FINDINGS else ABNORMAL
