"""What every file of the real data is, checked by hand against the notes that came with them.

A row is (shape, dtype, CFA, kind, exposure in s, filter); a word is the reason a file is refused for.
"""

from __future__ import annotations

from typing import Final

U, F = "uint16", "float32"
NO_CFA, NO_FILTER = None, None

Row = tuple[tuple[int, ...], str, str | None, str, float | None, str | None]


def _of(beginning: str, middles: str, row: Row, ending: str) -> dict[str, Row | str]:
    return {f"{beginning}{middle}{ending}": row for middle in middles.split()}


ARP_186: Final = {
    f"A_arp186_asi290_altaz/L_{number}.fit": ((548, 544), U, NO_CFA, "light", 20, "L") for number in range(1, 25)
}
HAT_P_32: Final = _of(
    "A_hatp32_microobs/HATP-32171220",
    "013343 013612 013912 014212 014512 014812 015112 015412 015713 020012 020312 020612 020912 021212 021512 021812",
    ((500, 650), F, NO_CFA, "light", 60, "Clear"),  # signed 16 bit
    ".FITS",
)
M_27: Final = _of(
    "A_m27_asi224_osc/Light_",
    "1069 1114 1171 1254 1264 1283",
    ((976, 1304), U, "RGGB", "light", 6, "Luminance"),
    ".fits",
)
M_94: Final = _of(
    "A_m94_seestar_b/Light_M 94_10.0s_IRCUT_20250327-",
    "014513 014525 014536 014554 014605 014617",
    ((1920, 1080), U, "GRBG", "light", 10, "IRCUT"),
    ".fit",
)
SKYCAM: Final = _of(
    "A_skycamt_20150608_sat/t_e_20150608_",
    "381 382 383 384 385 386 387 388 389",
    ((1024, 1024), F, NO_CFA, "light", 10, NO_FILTER),  # scaled 16 bit
    "_1_1_1.fits",
)
EFOSC_BIAS: Final = _of(
    "D_efosc2/bias_EFOSC.2022-01-26T",
    "19-02-38.210 19-03-08.542 19-03-39.513 19-04-10.535 19-04-41.537",
    ((1030, 1030), U, NO_CFA, "bias", 0, "Free"),  # darks of no length
    ".fits.gz",
)
EFOSC_FLATS: Final = {
    f"D_efosc2/flat_g782_EFOSC.2022-01-28T{time}.fits.gz": ((1030, 1030), U, NO_CFA, "flat", exposure_s, "g#782")
    for time, exposure_s in (("00-08-16.282", 3.3005), ("00-08-54.737", 3.8006), ("00-09-33.792", 4.4005))
}
EFOSC_LIGHTS: Final = {
    f"D_efosc2/light_J123410_EFOSC.2022-01-28T{time}.fits.gz": ((1030, 1030), U, NO_CFA, "light", exposure_s, "g#782")
    for time, exposure_s in (("08-37-47.742", 119.9994), ("08-40-27.113", 120.0006), ("08-43-07.204", 120.0003))
}
VARIANTS: Final[dict[str, Row | str]] = {
    "astropy_blank.fits": "unreadable",  # 1 x 1 px
    "astropy_checksum_false.fits": ((40, 30), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_compressed_with_nan.fits": ((12, 12), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_double_ext.fits": ((5, 5), U, NO_CFA, "light", None, NO_FILTER),
    "astropy_m13.fits": ((300, 300), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_m13_gzip.fits": ((300, 300), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_m13_rice.fits": ((300, 300), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_random_groups.fits": "unreadable",
    "astropy_scale.fits": ((21, 20), F, NO_CFA, "light", None, NO_FILTER),
    "astropy_table.fits": "unreadable",
    "astropy_test0.fits": ((40, 40), F, NO_CFA, "light", 0.23, NO_FILTER),
    "astropy_zerowidth.fits": "unreadable",
    "exiftool_FITS.fits": "truncated",  # a header only, cut off
    "kanma_color16bits.fits": ((8, 256, 3), U, NO_CFA, "light", 2, NO_FILTER),
    "kanma_colorfloat.fits": ((8, 100, 3), F, NO_CFA, "light", 2, NO_FILTER),
    "kanma_gray32bits.fits": ((8, 256), F, NO_CFA, "light", 2, NO_FILTER),
    "kanma_gray8bits.fits": ((8, 32), F, NO_CFA, "light", 2, NO_FILTER),
    "kanma_graydouble.fits": ((8, 100), F, NO_CFA, "light", 2, NO_FILTER),
    "msum_aspen_trimmed.fit": ((100, 100), U, NO_CFA, "flat", 1, "R"),
    "msum_maximdl_6_18_header.fit": ((100, 100), U, NO_CFA, "light", 90, "r"),
    "nomtam_m13real.fits": ((300, 300), F, NO_CFA, "light", None, NO_FILTER),
    "panoptes_noheader.fits": ((200, 200), U, NO_CFA, "light", None, NO_FILTER),
    "panoptes_pole.fits": ((200, 200), U, NO_CFA, "light", 30.1, NO_FILTER),
    "panoptes_solved.fits.fz": ((700, 700), U, NO_CFA, "light", 120.4, "RGGB"),  # what it calls its filter
    "panoptes_tiny.fits": ((200, 200), U, NO_CFA, "light", 120.4, "RGGB"),
    "sep_image.fits": ((256, 256), F, NO_CFA, "light", 1200, NO_FILTER),
    "skimage_multi.fits": ((288, 132), U, NO_CFA, "light", 60.0029079914093, NO_FILTER),
}
PEERS: Final[dict[str, Row | str]] = {
    "Kocab.fits": ((405, 695), F, NO_CFA, "light", 30, "UV-IR"),  # 8 bit
    "astride_long_trail.fits": ((512, 512), F, NO_CFA, "light", 60, "R"),
    "hotpixels.fits": ((100, 100), F, NO_CFA, "light", None, NO_FILTER),
    "kanma_stars.fits": ((120, 120, 3), U, NO_CFA, "light", 0, NO_FILTER),
    "m47_sim_stars.fits": ((1024, 1280), U, NO_CFA, "light", 30, "LPR"),
    "ngc4535-autofocus1.fits": ((1034, 1125), U, NO_CFA, "light", 2, "LPR"),
    "siril_star_test1.fit.fz": ((568, 931), U, NO_CFA, "light", 6, NO_FILTER),
}
RAWS: Final[dict[str, Row | str]] = {
    "B_raw/CRW.CRW": ((1448, 2176), F, "RGGB", "light", 4.96743, NO_FILTER),
    "B_raw/CanonRaw.cr2": "unreadable",  # nothing but a directory
    "B_raw/DNG.dng": "truncated",  # LibRaw opens it, most of it zeros
    "B_raw/Nikon.nef": "unreadable",  # cut off
    "B_raw/RAW_KODAK_DC50.KDC": ((512, 768), U, "GRBG", "light", 0.00435, NO_FILTER),
    "B_raw/photoprism_canon_eos_6d.dng": ((816, 1224, 3), U, NO_CFA, "light", 1 / 60, NO_FILTER),  # linear
    "B_raw/tinydng_colorchart.dng": ((1156, 1734), F, "RGGB", "light", 1, NO_FILTER),
    **{f"B_dng_from_real/M27_{n}.dng": ((976, 1304), U, "RGGB", "light", 6, NO_FILTER) for n in (1069, 1114, 1171)},
}
FITS: Final[dict[str, Row | str]] = {
    **ARP_186,
    **HAT_P_32,
    **M_27,
    **M_94,
    **SKYCAM,
    **EFOSC_BIAS,
    **EFOSC_FLATS,
    **EFOSC_LIGHTS,
    **{f"C_fits_variants/{name}": row for name, row in VARIANTS.items()},
    **{f"E_peer/{name}": row for name, row in PEERS.items()},
}
# made by a program that kept no keywords
XISF: Final[dict[str, Row | str]] = {"C_xisf/M27_1069_lz4hc.xisf": ((976, 1304), U, NO_CFA, "light", None, NO_FILTER)}
TABLE: Final[dict[str, Row | str]] = {**FITS, **RAWS, **XISF}
IGNORED: Final = {
    "README.md",
    "SHA256SUMS",
    "A_arp186_asi290_altaz/info3.json",
    *(f"indi_sim/{name}" for name in ("gsc", "mkcat.py", "run.sh", "shoot.sh")),
}
"""No frames, by their names."""
