"""One thread, so that results repeat bit for bit and parallel test processes do not compete."""

from vaemodels.devices import single_thread

single_thread()
