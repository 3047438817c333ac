"""De-identification of DICOM on import, after PS3.15 Annex E."""

from foveal.data.deidentify.ledger import is_deidentified
from foveal.data.deidentify.mapping import default_mapping
from foveal.data.deidentify.options import Options
from foveal.data.deidentify.report import Report
from foveal.data.deidentify.run import deidentified

__all__ = ["Options", "Report", "default_mapping", "deidentified", "is_deidentified"]
