"""Every knob of a synthetic night, checked once."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from livestack.errors import SettingsError

SCENES = ("galaxy", "stars")
ROW_ORDERS = ("TOP-DOWN", "BOTTOM-UP")


@dataclass(frozen=True, slots=True)
class NightOptions:
    """What happens in a night. The defaults are the demo's: everything that can happen in one night, in 40 subs.

    Attributes
    ----------
    size : tuple of int
        (H, W) in px.
    cfa : str, optional
        Colours of ``data[0, 0], data[0, 1], data[1, 0], data[1, 1]``; None = a mono camera.
    row_order : str
        ``TOP-DOWN`` or ``BOTTOM-UP``, as written to the header; BAYERPAT is written to match.
    scene : str
        ``galaxy``: a spiral galaxy among stars; ``stars``: stars alone.
    n_stars : int
        About how many stars are in the frame, most of them too faint for one sub.
    object_e_per_s : float
        How bright the galaxy's arms are (e-/s/px, green).
    fwhm_px, seeing_scatter, elongation : float
        Typical seeing; scatter of its logarithm from sub to sub; a/b of the star images.
    dither_px, rotation_deg_per_hour : float
        Radius of the random offsets; field rotation.
    flip_at : int, optional
        First sub after the meridian flip.
    n_satellites : int
        Satellite trails over the whole night, bright and faint.
    aircraft_at, trailed_at, torn_at, duplicate_at : int, optional
        Sub with an aircraft; with wind in the tube; whose file stays truncated; that is copied under a second name.
    cloud_subs : tuple of int
        Consecutive subs under a cloud, thickest in the middle.
    sky_e_per_s : float
        Sky glow (e-/s/px, green) at the start of the night.
    temperature_c : float
        Of the sensor; dark current doubles every 6 °C.
    start_utc : datetime
        When the first light is exposed, by the camera's clock.
    interval_s : float
        From one exposure's end to the next one's start, by the camera's clock.
    """

    size: tuple[int, int] = (900, 1200)
    cfa: str | None = "RGGB"
    row_order: str = "TOP-DOWN"
    seed: int = 2
    n_lights: int = 40
    n_darks: int = 8
    n_flats: int = 8
    n_bias: int = 8
    exposure_s: float = 30.0
    flat_exposure_s: float = 1.5
    interval_s: float = 3.0
    start_utc: datetime = datetime(2026, 3, 14, 20, 30, tzinfo=UTC)

    scene: str = "galaxy"
    target: str = "Demo Galaxy"
    filter: str | None = None
    ra_deg: float = 186.0
    dec_deg: float = 48.5
    n_stars: int = 1200
    object_e_per_s: float = 0.5
    sky_e_per_s: float = 3.0
    fwhm_px: float = 3.0
    seeing_scatter: float = 0.08
    elongation: float = 1.0

    dither_px: float = 12.0
    rotation_deg_per_hour: float = 4.0
    flip_at: int | None = 26
    n_satellites: int = 6
    aircraft_at: int | None = 16
    cloud_subs: tuple[int, ...] = (20, 21, 22, 23)
    trailed_at: int | None = 13
    torn_at: int | None = 9
    duplicate_at: int | None = 17

    camera: str = "Synthetic 1M"
    telescope: str = "Synthetic 80/480"
    focal_mm: float = 480.0
    pixel_um: float = 3.76
    gain: int = 100
    offset_adu: int = 500
    e_per_adu: float = 0.8
    read_noise_e: float = 2.0
    temperature_c: float = -10.0
    hot_fraction: float = 4e-4

    def __post_init__(self) -> None:
        """Refuse what no camera could do, in one line."""
        if self.cfa is not None and (len(self.cfa) != 4 or set(self.cfa) - set("RGB")):
            raise SettingsError(f"cfa: must be four of R, G, B such as RGGB, or none for mono, not {self.cfa!r}")
        for name, value, choices in (("scene", self.scene, SCENES), ("row_order", self.row_order, ROW_ORDERS)):
            if value not in choices:
                raise SettingsError(f"{name}: must be one of {', '.join(choices)}, not {value!r}")
        if min(self.size) < 64 or (self.cfa is not None and (self.size[0] % 2 or self.size[1] % 2)):
            raise SettingsError(f"size: at least 64 px each way, even for a colour camera, not {self.size}")
        for name in ("n_lights", "n_darks", "n_flats", "n_bias", "n_stars", "n_satellites", "seed", "dither_px"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name}: must not be negative, not {getattr(self, name)}")
        for name in ("exposure_s", "flat_exposure_s", "fwhm_px", "e_per_adu", "sky_e_per_s"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name}: must be more than 0, not {getattr(self, name)}")
        if self.elongation < 1:
            raise SettingsError(f"elongation: a/b must be at least 1, not {self.elongation}")

    def lasting(self, n_lights: int) -> NightOptions:
        """Return a night of so many subs in which the same things happen, sooner or later in proportion."""
        pace = n_lights / max(self.n_lights, 1)

        def at(no: int | None) -> int | None:
            return None if no is None else int(no * pace)

        first, n_clouds = at(min(self.cloud_subs, default=0)) or 0, math.ceil(len(self.cloud_subs) * pace)
        return dataclasses.replace(
            self,
            n_lights=n_lights,
            flip_at=at(self.flip_at),
            aircraft_at=at(self.aircraft_at),
            trailed_at=at(self.trailed_at),
            torn_at=at(self.torn_at),
            duplicate_at=at(self.duplicate_at),
            cloud_subs=tuple(range(first, first + n_clouds)),
            n_satellites=math.ceil(self.n_satellites * pace),
        )

    @property
    def n_channels(self) -> int:
        """1 mono, 3 colour."""
        return 1 if self.cfa is None else 3
