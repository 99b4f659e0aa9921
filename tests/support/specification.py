"""CommonMark's specification: its examples, and those that are read otherwise, with the reason."""

from __future__ import annotations

import json
from typing import Any

from places import SPECIFICATION

SPECIFIED: list[dict[str, Any]] = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
OTHER_SECTIONS = {"HTML blocks", "Raw HTML", "Entity and numeric character references"}

_BARE = "CommonMark has no bare addresses; GFM makes links of them, and GFM is what is exported."
KNOWN_DIFFERENCES = {602: _BARE, 608: _BARE, 611: _BARE, 612: _BARE}
