"""What the usual class folders are called in the languages of the program."""

_KNOWN = {
    "normal": {"en": "Normal", "zh_CN": "正常肺部"},
    "viralpneumonia": {"en": "Viral pneumonia", "zh_CN": "病毒性肺炎"},
    "covid": {"en": "COVID-19", "zh_CN": "新冠肺炎"},
    "covid19": {"en": "COVID-19", "zh_CN": "新冠肺炎"},
}


def display_names(folder: str) -> dict[str, str]:
    """The class name to show for each language code; an unknown folder's is its own name."""
    key = "".join(character for character in folder.casefold() if character not in " _-")
    plain = folder.replace("_", " ")
    return dict(_KNOWN.get(key, {"en": plain, "zh_CN": plain}))
