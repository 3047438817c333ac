"""DICOM series by folder and token: images unpacked, and what SEG and RTSTRUCT draw on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.volume import Axis, Volume
from foveal.data.dicom import DicomSeries, find_series, read_series, read_stack, regions_of
from foveal.data.problems import Problem
from foveal.data.readers.picture import Place, Unreadable
from foveal.data.readers.stack import StackFacts, stack_facts
from foveal.data.volumes.address import Address, parse_address
from foveal.data.volumes.unpack import mask_stack, percentiles, stack_of, stack_path, unpacked
