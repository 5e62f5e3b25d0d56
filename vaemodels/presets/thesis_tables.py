"""The printed numbers of study t000, the 2023 tfVAE thesis and its notebooks, as plain data.

What it calls TVD is the largest gap of a single class, with class 0 counted as 0.
"""

from typing import Final

# Experiment 1: layers of the encoder -> FID, TVD after 5,000 steps.
MLP_GRID: Final = {
    20: (246.04, 0.1074),
    19: (261.54, 0.2651),
    18: (243.96, 0.1916),
    17: (235.75, 0.1580),
    16: (250.55, 0.3135),
    15: (243.33, 0.1003),
    14: (273.03, 0.7794),
    13: (238.06, 0.2219),
    12: (259.22, 0.5021),
    11: (237.39, 0.3437),
    10: (211.64, 0.3781),
    9: (190.39, 0.1137),
    8: (199.83, 0.2559),
    7: (208.94, 0.0961),
    6: (220.03, 0.2031),
    5: (230.88, 0.2358),
    4: (246.51, 0.3669),
}
MLP_FRONT: Final = (9, 7)

# Experiment 2: (encoder, decoder) -> FID, TVD; both named as in `architectures`.
_DECODERS: Final = ("28", "7-s212", "14", "7-s221")
_CVAE_ROWS: Final = {
    "16,p,32,p": ((216.36, 0.1455), (154.78, 0.1798), (117.54, 0.1139), (231.35, 0.5176)),
    "8,16,p,32,p": ((155.86, 0.2499), (144.72, 0.2280), (149.36, 0.2379), (151.73, 0.1326)),
    "16,p,32,p,60": ((114.62, 0.0926), (209.21, 0.2756), (229.79, 0.4615), (147.91, 0.2055)),
    "16,p,32,p,60-k3": ((168.08, 0.3252), (164.15, 0.2238), (127.25, 0.1401), (125.68, 0.0958)),
    "16,32,60": ((134.42, 0.1733), (330.25, 0.1135), (173.30, 0.2684), (332.66, 0.1135)),
    "16,32,63": ((73.65, 0.1467), (116.13, 0.1583), (146.83, 0.0924), (117.71, 0.1154)),
}
CVAE_GRID: Final = {
    (encoder, decoder): cell
    for encoder, cells in _CVAE_ROWS.items()
    for decoder, cell in zip(_DECODERS, cells, strict=True)
}
CVAE_FRONT: Final = (("16,32,63", "28"), ("16,p,32,p,60", "28"), ("16,32,63", "14"))

# Consistency runs, 5 times 1,000 steps: model -> FIDs, TVDs.
CONSISTENCY: Final[dict[int | tuple[str, str], tuple[tuple[float, ...], tuple[float, ...]]]] = {
    9: ((297.75, 228.41, 191.00, 176.64, 165.37), (0.3103, 0.1178, 0.0974, 0.0959, 0.0940)),
    7: ((289.67, 252.12, 217.16, 199.80, 188.28), (0.2666, 0.1774, 0.1232, 0.0973, 0.1035)),
    ("16,32,63", "28"): (
        (201.39, 137.93, 130.18, 122.69, 118.38),
        (0.0936, 0.1026, 0.1331, 0.1123, 0.1053),
    ),
    ("16,p,32,p,60", "28"): (
        (259.95, 202.02, 196.33, 172.23, 158.27),
        (0.2090, 0.1671, 0.1765, 0.1563, 0.1482),
    ),
    ("16,32,63", "14"): (
        (312.12, 164.41, 139.28, 135.65, 134.36),
        (0.1565, 0.0978, 0.1073, 0.1029, 0.1026),
    ),
}
# The same models after 25,000 steps: FID.
LONG_RUNS: Final[dict[int | tuple[str, str], float]] = {
    9: 221.17,
    7: 189.47,
    ("16,32,63", "28"): 150.67,
    ("16,p,32,p,60", "28"): 212.20,
    ("16,32,63", "14"): 155.34,
}

# Tables 6.1 to 6.4: (kind, data set) -> printed minima over beta of the last mini-batch as
# measure -> (value, beta). Its "KL" is beta * KL and its "MSE" the sum of squared errors.
MINIMA: Final = {
    ("vae", "mnist"): {
        "batch_loss": (33.92837, 0.2),
        "batch_beta_kl": (0.146870, 0.5),
        "batch_sse": (33.74758, 0.2),
        "fid": (141.71856, 0.2),
    },
    ("vae", "fashion-mnist"): {
        "batch_loss": (21.82684, 0.2),
        "batch_beta_kl": (0.204056, 5.0),
        "batch_sse": (21.55172, 0.2),
        "fid": (54.51808, 2.0),
    },
    ("cvae", "mnist"): {
        "batch_loss": (25.46362, 0.2),
        "batch_beta_kl": (0.198017, 0.2),
        "batch_sse": (25.26560, 0.2),
        "fid": (73.33577, 0.2),
    },
    ("cvae", "fashion-mnist"): {
        "batch_loss": (17.73614, 0.2),
        "batch_beta_kl": (0.198724, 0.2),
        "batch_sse": (17.53741, 0.2),
        "fid": (41.04187, 0.2),
    },
}
# beta * KL at beta 0.2, as loss - SSE must give it.
BETA_KL: Final = {
    ("vae", "mnist"): 0.18079,
    ("vae", "fashion-mnist"): 0.27512,
    ("cvae", "mnist"): 0.19802,
    ("cvae", "fashion-mnist"): 0.19872,
}

# Table C.1: (kind, data set) -> beta -> FID of 100 z, FID of z.
AUGMENTED: Final = {
    ("vae", "mnist"): {
        2.0: (123.98, 168.90),
        5.0: (137.68, 178.91),
        0.5: (91.67, 165.71),
        0.2: (91.79, 212.69),
    },
    ("vae", "fashion-mnist"): {
        2.0: (37.14, 91.65),
        5.0: (62.24, 114.80),
        0.5: (21.95, 43.57),
        0.2: (26.02, 87.00),
    },
    ("cvae", "mnist"): {
        2.0: (116.21, 85.18),
        5.0: (153.22, 123.63),
        0.5: (87.99, 101.01),
        0.2: (67.27, 73.34),
    },
    ("cvae", "fashion-mnist"): {
        2.0: (63.79, 81.21),
        5.0: (98.16, 100.15),
        0.5: (78.06, 67.56),
        0.2: (37.36, 41.04),
    },
}

# Experiments 5 and 6: (kind, data set) -> loss, KL, SSE, FID.
STICKS: Final = {
    ("sbvae", "mnist"): (62.90521, 10.1346312, 52.77058, 340.68),
    ("sbvae", "fashion-mnist"): (76.66475, 10.1346312, 66.53011, 60.45),
    ("sbcvae", "mnist"): (62.79511, 10.1346312, 52.66048, 282.83),
    ("sbcvae", "fashion-mnist"): (76.67950, 10.1346312, 66.54488, 54.85),
}
