"""Published experiments as presets: what to train, and which figures to expect of it."""

from vaemodels.presets.catalogue import PRESETS as PRESETS
from vaemodels.presets.catalogue import select as select
from vaemodels.presets.figure import Figure as Figure
from vaemodels.presets.preset import Preset as Preset
