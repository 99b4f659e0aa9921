"""Find the emoji that short names as `:check_mark:` stand for. Pure."""

from __future__ import annotations

import re
from functools import cache

NAMES = re.compile(r"(?<=:)[a-z0-9_+-]+(?=:)")
"""The names in `:rocket:`, in `:rocket::tada:` and in `::rocket::`."""

_ATLASSIAN = {
    # Its own emoji, which are pictures.
    "check_mark": "✅",
    "cross_mark": "❌",
    "error": "❌",
    "flag_off": "🏳️",
    "flag_on": "🚩",
    "info": "ℹ️",  # noqa: RUF001  the sign itself
    "light_bulb_on": "💡",
    "note": "📝",
    "question_mark": "❓",
    "success": "✅",
    "tip": "💡",
    "yellow_star": "⭐",
    # Unicode has one star; their colors are what tells them apart.
    "blue_star": "🔵",
    "green_star": "🟢",
    "red_star": "🔴",
    # Names of emoticons.
    "cheeky": "😛",
    "cross": "❌",
    "laugh": "😀",
    "light_bulb": "💡",
    "sad": "🙁",
    "simple_smile": "🙂",
    "surprise": "😮",
    "tick": "✅",
    # Names of an older list of emoji, which its service took over.
    "atom": "⚛️",
    "beach": "🏖️",
    "bellhop": "🛎️",
    "calendar_spiral": "🗓️",
    "call_me": "🤙",
    "card_box": "🗃️",
    "champagne_glass": "🥂",
    "clock": "🕰️",
    "cloud_lightning": "🌩️",
    "cloud_rain": "🌧️",
    "cloud_snow": "🌨️",
    "clown": "🤡",
    "construction_site": "🏗️",
    "couch": "🛋️",
    "cowboy": "🤠",
    "desktop": "🖥️",
    "dividers": "🗂️",
    "eject": "⏏️",
    "face_palm": "🤦",
    "fingers_crossed": "🤞",
    "first_place": "🥇",
    "frame_photo": "🖼️",
    "frowning2": "☹️",
    "goal": "🥅",
    "hammer_pick": "⚒️",
    "hand_splayed": "🖐️",
    "head_bandage": "🤕",
    "helmet_with_cross": "⛑️",
    "hugging": "🤗",
    "island": "🏝️",
    "key2": "🗝️",
    "map": "🗺️",
    "medal": "🏅",
    "microphone2": "🎙️",
    "money_mouth": "🤑",
    "nerd": "🤓",
    "newspaper2": "🗞️",
    "notepad_spiral": "🗒️",
    "octagonal_sign": "🛑",
    "park": "🏞️",
    "peace": "☮️",
    "pen_ballpoint": "🖊️",
    "pen_fountain": "🖋️",
    "play_pause": "⏯️",
    "projector": "📽️",
    "race_car": "🏎️",
    "rolling_eyes": "🙄",
    "satellite_orbital": "🛰️",
    "second_place": "🥈",
    "skull_crossbones": "☠️",
    "slight_frown": "🙁",
    "slight_smile": "🙂",
    "speech_left": "🗨️",
    "spy": "🕵️",
    "thermometer_face": "🤒",
    "third_place": "🥉",
    "thunder_cloud_rain": "⛈️",
    "timer": "⏲️",
    "tools": "🛠️",
    "track_next": "⏭️",
    "track_previous": "⏮️",
    "upside_down": "🙃",
    "vulcan": "🖖",
    "white_sun_cloud": "🌥️",
    "zipper_mouth": "🤐",
    # Behind the name of a hand or a face.
    "skin-tone-2": "🏻",
    "skin-tone-3": "🏼",
    "skin-tone-4": "🏽",
    "skin-tone-5": "🏾",
    "skin-tone-6": "🏿",
}
"""What Confluence calls emoji otherwise than others do.

`:light_bulb_off:` is not there: Unicode has no such sign, and one that is lit says the opposite.
"""

_TONES = re.compile("\ufe0f(?=[🏻🏼🏽🏾🏿])")


def find_emoji(form: str) -> str | None:
    """Return the emoji of `:rocket:`, or of several such names; None if one is unknown.

    Args:
        form: Names with their colons.
    """
    found = [_find(name) for name in NAMES.findall(form)]
    if not found or None in found:
        return None
    return _TONES.sub("", "".join(filter(None, found)))


def _find(name: str) -> str | None:
    if name in _ATLASSIAN:
        return _ATLASSIAN[name]
    # `:30:` is part of a time or of a log.
    return _read_names().get(name) if name == "100" or not name.isdecimal() else None


@cache
def _read_names() -> dict[str, str]:
    """Return the names that are usual elsewhere; aliases before the names of Unicode."""
    import emoji  # noqa: PLC0415  its table takes a while, which most pages do not need

    complete = [
        (sign, data)
        for sign, data in emoji.EMOJI_DATA.items()
        if data["status"] <= emoji.STATUS["fully_qualified"]
    ]
    names = {data["en"].strip(":"): sign for sign, data in complete}
    for sign, data in complete:
        names |= dict.fromkeys((alias.strip(":") for alias in data.get("alias", ())), sign)
    return names
