"""French names of units, currencies, scales and signs. Data only."""

from __future__ import annotations

from speech.text.reading.money import Currency
from speech.text.wordlist import wordset


def _plural(table: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (name, _several(name)) for key, name in table.items()}


def _several(name: str) -> str:
    """The first word takes the s: "kilomètres par heure"; so does an adjective: "milles marins"."""
    if name in _UNCHANGED:
        return name
    head, _, tail = name.partition(" ")
    if head.endswith(("s", "x", "z")) or head == "hertz":
        return name
    if tail in {"marin", "carré", "cube"}:
        tail += "s"
    return f"{head}s {tail}".strip()


_UNCHANGED = frozenset(["hertz", "kilohertz", "mégahertz", "gigahertz", "lux", "siemens", "P S I", "image par seconde"])

UNITS: dict[str, tuple[str, str]] = _plural(
    {
        "km": "kilomètre", "m": "mètre", "cm": "centimètre", "mm": "millimètre", "dm": "décimètre",
        "µm": "micromètre",
        "μm": "micromètre", "nm": "nanomètre", "kg": "kilogramme", "g": "gramme", "mg": "milligramme",
        "µg": "microgramme",
        "μg": "microgramme", "t": "tonne", "L": "litre", "l": "litre", "mL": "millilitre", "ml": "millilitre",
        "cl": "centilitre", "cL": "centilitre",
        "dl": "décilitre", "hl": "hectolitre", "s": "seconde", "sec": "seconde", "ms": "milliseconde",
        "µs": "microseconde",
        "ns": "nanoseconde", "min": "minute", "mn": "minute", "h": "heure", "j": "jour", "an": "an", "Hz": "hertz",
        "kHz": "kilohertz",
        "MHz": "mégahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "MW": "mégawatt", "GW": "gigawatt",
        "Wh": "wattheure",
        "kWh": "kilowattheure", "MWh": "mégawattheure", "GWh": "gigawattheure", "TWh": "térawattheure", "V": "volt",
        "kV": "kilovolt",
        "mV": "millivolt", "A": "ampère", "mA": "milliampère", "mAh": "milliampère-heure", "Ah": "ampère-heure",
        "Ω": "ohm",
        "J": "joule", "kJ": "kilojoule", "cal": "calorie", "kcal": "kilocalorie", "N": "newton", "Pa": "pascal",
        "kPa": "kilopascal",
        "hPa": "hectopascal", "bar": "bar", "mbar": "millibar", "ch": "cheval", "dB": "décibel", "ha": "hectare",
        "o": "octet",
        "ko": "kilooctet", "Ko": "kilooctet", "Mo": "mégaoctet", "Go": "gigaoctet", "To": "téraoctet",
        "Po": "pétaoctet", "KB": "kilobyte", "kB": "kilobyte",
        "MB": "mégabyte", "GB": "gigabyte", "TB": "térabyte", "kbit": "kilobit", "Mbit": "mégabit", "Gbit": "gigabit",
        "Mbps": "mégabit par seconde", "Gbps": "gigabit par seconde", "kbps": "kilobit par seconde", "px": "pixel",
        "MP": "mégapixel", "mol": "mole",
        "mmol": "millimole", "K": "kelvin", "lm": "lumen", "lx": "lux", "Bq": "becquerel", "Sv": "sievert",
        "mSv": "millisievert",
        "kn": "nœud", "nd": "nœud", "mph": "mile par heure", "ppm": "partie par million",
        "tr/min": "tour par minute", "°C": "degré Celsius",
        "° C": "degré Celsius", "ºC": "degré Celsius", "°F": "degré Fahrenheit", "° F": "degré Fahrenheit",
        "℃": "degré Celsius",
        "°": "degré", "hab": "habitant", "in": "pouce", "ft": "pied", "mi": "mile", "lb": "livre", "oz": "once",
    }
)  # fmt: skip
UNITS["ch"] = ("cheval", "chevaux")

FEMININE_UNITS = wordset(
    "seconde milliseconde microseconde nanoseconde minute heure tonne calorie kilocalorie mole millimole livre once "
    "partie"
)

CURRENCIES = {
    "€": Currency("euro", "euros", "centime", "centimes"),
    "EUR": Currency("euro", "euros", "centime", "centimes"),
    "euros": Currency("euro", "euros", "centime", "centimes"),
    "$": Currency("dollar", "dollars", "cent", "cents"),
    "$US": Currency("dollar américain", "dollars américains", "cent", "cents"),
    "US$": Currency("dollar américain", "dollars américains", "cent", "cents"),
    "USD": Currency("dollar américain", "dollars américains", "cent", "cents"),
    "$CA": Currency("dollar canadien", "dollars canadiens", "cent", "cents"),
    "CAD": Currency("dollar canadien", "dollars canadiens", "cent", "cents"),
    "£": Currency("livre", "livres", "penny", "pence"),
    "GBP": Currency("livre sterling", "livres sterling", "penny", "pence"),
    "¥": Currency("yen", "yens"),
    "JPY": Currency("yen", "yens"),
    "CHF": Currency("franc suisse", "francs suisses", "centime", "centimes"),
    "FF": Currency("franc", "francs", "centime", "centimes"),
    "FCFA": Currency("franc C F A", "francs C F A"),
    "₽": Currency("rouble", "roubles", "kopeck", "kopecks"),
    "₹": Currency("roupie", "roupies", "paisa", "paise"),
    "₿": Currency("bitcoin", "bitcoins"),
    "k€": Currency("millier d'euros", "mille euros"),
    "M€": Currency("million d'euros", "millions d'euros"),
    "Md€": Currency("milliard d'euros", "milliards d'euros"),
    "Mds€": Currency("milliard d'euros", "milliards d'euros"),
}
SCALES = {
    "k": ("mille", "mille"), "K": ("mille", "mille"), "mille": ("mille", "mille"), "M": ("million", "millions"),
    "millions": ("million", "millions"),
    "million": ("million", "millions"), "Md": ("milliard", "milliards"), "Mds": ("milliard", "milliards"),
    "bn": ("milliard", "milliards"),
    "Mrd": ("milliard", "milliards"), "milliards": ("milliard", "milliards"), "milliard": ("milliard", "milliards"),
}  # fmt: skip
PER = {
    "mois": "mois", "an": "an", "semaine": "semaine", "jour": "jour", "j": "jour", "h": "heure", "heure": "heure",
    "kg": "kilo", "g": "gramme",
    "l": "litre", "L": "litre", "m²": "mètre carré", "m2": "mètre carré", "personne": "personne",
    "pers": "personne", "nuit": "nuit",
    "kWh": "kilowattheure", "MWh": "mégawattheure", "unité": "unité", "t": "tonne", "tonne": "tonne",
    "km": "kilomètre", "pièce": "pièce",
}  # fmt: skip

WORDS = {
    "point": "virgule", "versionpoint": "point", "version": "version", "minus": "moins", "plus": "plus",
    "plusminus": "plus ou moins",
    "about": "environ", "to": "à", "dot": "point", "at": "arobase", "dash": "tiret", "slash": "barre oblique",
    "underscore": "tiret bas", "hashtag": "hashtag", "port": "port", "per": "par", "percent": "pour cent",
    "permille": "pour mille",
    "times": "fois", "fold": "fois", "by": "par", "over": "sur", "outof": "sur",
    "backslash": "barre oblique inversée", "colon": "deux-points",
}  # fmt: skip

SIGNS = {
    "%": "pour cent", "‰": "pour mille", "$": "dollars", "€": "euros", "£": "livres", "¢": "cents", "¥": "yens",
    "₹": "roupies", "&": "et", "@": "arobase",
    "#": "dièse", "+": "plus", "=": "égale", "/": "sur", "\\": "barre oblique inversée", "_": "", "*": "fois",
    "~": "environ", "|": "",
    "^": "puissance", "<": "inférieur à", ">": "supérieur à", "×": "fois", "÷": "divisé par", "−": "moins",
    "±": "plus ou moins",
    "≈": "environ égal à", "≠": "différent de", "≤": "inférieur ou égal à", "≥": "supérieur ou égal à",
    "≡": "identique à",
    "∞": "l'infini", "√": "racine carrée de", "∑": "la somme de", "∏": "le produit de", "∫": "l'intégrale de",
    "∂": "d rond",
    "∈": "appartient à", "∉": "n'appartient pas à", "∩": "inter", "∪": "union", "⊂": "inclus dans",
    "⊆": "inclus dans", "∇": "nabla",
    "∅": "l'ensemble vide", "∀": "pour tout", "∃": "il existe", "¬": "non", "∧": "et", "∨": "ou", "→": "vers",
    "←": "de", "↔": "de et vers",
    "⇒": "implique", "⇔": "équivaut à", "↑": "en haut", "↓": "en bas", "°": "degrés", "§": "paragraphe",
    "¶": "alinéa",
    "©": "copyright", "®": "marque déposée", "™": "marque", "№": "numéro", "†": "croix", "‡": "double croix",
    "′": "prime", "″": "seconde", "∝": "proportionnel à", "⋅": "fois", "∙": "fois",
}  # fmt: skip

GREEK = {
    "α": "alpha", "β": "bêta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zêta", "η": "êta", "θ": "thêta",
    "ι": "iota",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "micro", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rhô", "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon", "φ": "phi", "χ": "khi", "ψ": "psi", "ω": "oméga", "Γ": "gamma", "Δ": "delta", "Θ": "thêta",
    "Λ": "lambda",
    "Ξ": "xi", "Π": "pi", "Σ": "sigma", "Φ": "phi", "Ψ": "psi", "Ω": "oméga",
}  # fmt: skip
