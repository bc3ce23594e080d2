"""English names of units, currencies, scales and signs. Data only."""

from __future__ import annotations

from speech.text.reading.money import Currency


def _plural(table: dict[str, str], irregular: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (name, irregular.get(name, f"{name}s")) for key, name in table.items()}


UNITS: dict[str, tuple[str, str]] = _plural(
    {
        "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer",
        "μm": "micrometer",
        "nm": "nanometer", "mi": "mile", "ft": "foot", "yd": "yard", "in": "inch", "kg": "kilogram", "g": "gram",
        "mg": "milligram", "µg": "microgram", "μg": "microgram", "lb": "pound", "lbs": "pound", "oz": "ounce",
        "t": "ton",
        "L": "liter", "l": "liter", "mL": "milliliter", "ml": "milliliter", "cl": "centiliter", "dl": "deciliter",
        "gal": "gallon",
        "s": "second", "sec": "second", "ms": "millisecond", "µs": "microsecond", "μs": "microsecond",
        "ns": "nanosecond",
        "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "yr": "year", "yrs": "year",
        "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt",
        "MW": "megawatt",
        "GW": "gigawatt", "Wh": "watt hour", "kWh": "kilowatt hour", "MWh": "megawatt hour", "GWh": "gigawatt hour",
        "TWh": "terawatt hour",
        "mAh": "milliamp hour", "Ah": "amp hour", "V": "volt", "kV": "kilovolt", "mV": "millivolt", "A": "amp",
        "mA": "milliamp",
        "Ω": "ohm", "kΩ": "kiloohm", "F": "farad", "J": "joule", "kJ": "kilojoule", "cal": "calorie",
        "kcal": "kilocalorie",
        "N": "newton", "Nm": "newton meter", "Pa": "pascal", "kPa": "kilopascal", "MPa": "megapascal",
        "hPa": "hectopascal",
        "bar": "bar", "mbar": "millibar", "psi": "P S I", "hp": "horsepower", "rpm": "R P M",
        "bpm": "beat per minute",
        "fps": "frame per second", "dpi": "dot per inch", "ppm": "part per million", "ppb": "part per billion",
        "mph": "mile per hour", "kph": "kilometer per hour",
        "kmh": "kilometer per hour", "mpg": "mile per gallon", "dB": "decibel", "ha": "hectare", "ac": "acre",
        "B": "byte",
        "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
        "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte", "kb": "kilobit",
        "Kb": "kilobit", "Mb": "megabit",
        "Gb": "gigabit", "kbps": "kilobit per second", "Mbps": "megabit per second", "Gbps": "gigabit per second",
        "kbit": "kilobit", "Mbit": "megabit", "Gbit": "gigabit", "px": "pixel", "pt": "point", "MP": "megapixel",
        "mol": "mole",
        "mmol": "millimole", "K": "kelvin", "lm": "lumen", "lx": "lux", "Bq": "becquerel", "Sv": "sievert",
        "mSv": "millisievert",
        "rad": "radian", "kt": "knot", "kn": "knot", "nmi": "nautical mile", "ly": "light year",
        "au": "astronomical unit",
        "sq ft": "square foot", "sq mi": "square mile", "sq m": "square meter", "sq km": "square kilometer",
        "sq. ft": "square foot", "sq. m": "square meter", "sq. mi": "square mile",
        "cu ft": "cubic foot", "cu. ft": "cubic foot",
        "fl oz": "fluid ounce",
        "tsp": "teaspoon", "tbsp": "tablespoon", "°C": "degree Celsius", "° C": "degree Celsius",
        "ºC": "degree Celsius",
        "°F": "degree Fahrenheit", "° F": "degree Fahrenheit", "ºF": "degree Fahrenheit", "℃": "degree Celsius",
        "℉": "degree Fahrenheit", "°": "degree", "°K": "kelvin", "pp": "percentage point", "bps": "basis point",
    },
    {
        "foot": "feet", "inch": "inches", "square foot": "square feet", "cubic foot": "cubic feet",
        "hertz": "hertz", "kilohertz": "kilohertz",
        "megahertz": "megahertz", "gigahertz": "gigahertz", "P S I": "P S I", "R P M": "R P M",
        "horsepower": "horsepower",
        "degree Celsius": "degrees Celsius", "degree Fahrenheit": "degrees Fahrenheit", "lux": "lux",
        "mile per hour": "miles per hour", "kilometer per hour": "kilometers per hour",
        "mile per gallon": "miles per gallon",
        "beat per minute": "beats per minute", "frame per second": "frames per second",
        "dot per inch": "dots per inch",
        "part per million": "parts per million", "part per billion": "parts per billion",
        "kilobit per second": "kilobits per second",
        "megabit per second": "megabits per second", "gigabit per second": "gigabits per second",
    },
)  # fmt: skip

_DOLLAR = ("cent", "cents")
CURRENCIES = {
    "$": Currency("dollar", "dollars", *_DOLLAR),
    "US$": Currency("U S dollar", "U S dollars", *_DOLLAR),
    "USD": Currency("U S dollar", "U S dollars", *_DOLLAR),
    "C$": Currency("Canadian dollar", "Canadian dollars", *_DOLLAR),
    "CA$": Currency("Canadian dollar", "Canadian dollars", *_DOLLAR),
    "CAD": Currency("Canadian dollar", "Canadian dollars", *_DOLLAR),
    "A$": Currency("Australian dollar", "Australian dollars", *_DOLLAR),
    "AUD": Currency("Australian dollar", "Australian dollars", *_DOLLAR),
    "HK$": Currency("Hong Kong dollar", "Hong Kong dollars", *_DOLLAR),
    "€": Currency("euro", "euros", "cent", "cents"),
    "EUR": Currency("euro", "euros", "cent", "cents"),
    "£": Currency("pound", "pounds", "penny", "pence"),
    "GBP": Currency("pound", "pounds", "penny", "pence"),
    "¥": Currency("yen", "yen"),
    "JPY": Currency("yen", "yen"),
    "CNY": Currency("yuan", "yuan"),
    "RMB": Currency("yuan", "yuan"),
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "INR": Currency("rupee", "rupees", "paisa", "paise"),
    "₽": Currency("ruble", "rubles", "kopeck", "kopecks"),
    "₩": Currency("won", "won"),
    "₿": Currency("bitcoin", "bitcoins"),
    "BTC": Currency("bitcoin", "bitcoins"),
    "CHF": Currency("Swiss franc", "Swiss francs", "centime", "centimes"),
    "₺": Currency("lira", "lira"),
    "₪": Currency("shekel", "shekels"),
    "₴": Currency("hryvnia", "hryvnias"),
    "₫": Currency("dong", "dong"),
    "₱": Currency("peso", "pesos"),
    "₦": Currency("naira", "naira"),
}
SCALES = {
    name: (word, word)
    for word, names in {
        "thousand": ("k", "K", "thousand"),
        "million": ("M", "m", "mn", "mio", "MM", "million"),
        "billion": ("B", "b", "bn", "Bn", "BN", "billion"),
        "trillion": ("T", "tn", "trn", "trillion"),
    }.items()
    for name in names
}
PER = {
    "month": "month", "mo": "month", "year": "year", "yr": "year", "week": "week", "wk": "week", "day": "day",
    "hour": "hour",
    "hr": "hour", "h": "hour", "kg": "kilogram", "lb": "pound", "g": "gram", "l": "liter", "L": "liter",
    "gal": "gallon",
    "person": "person", "night": "night", "user": "user", "m²": "square meter", "m2": "square meter",
    "sq ft": "square foot",
    "kWh": "kilowatt hour", "MWh": "megawatt hour", "min": "minute", "GB": "gigabyte", "unit": "unit",
    "item": "item", "oz": "ounce",
    "ton": "ton", "t": "ton", "mile": "mile", "km": "kilometer", "barrel": "barrel", "share": "share",
    "seat": "seat", "piece": "piece",
}  # fmt: skip

WORDS = {
    "point": "point", "versionpoint": "point", "version": "version", "minus": "minus", "plus": "plus",
    "plusminus": "plus or minus",
    "about": "about", "to": "to", "dot": "dot", "at": "at", "dash": "dash", "slash": "slash",
    "underscore": "underscore",
    "hashtag": "hashtag", "port": "port", "per": "per", "percent": "percent", "permille": "per mille",
    "times": "times",
    "fold": "times", "by": "by", "over": "over", "outof": "out of", "backslash": "backslash", "colon": "colon",
}  # fmt: skip

SIGNS = {
    "%": "percent", "‰": "per mille", "$": "dollars", "€": "euros", "£": "pounds", "¢": "cents", "¥": "yen",
    "₹": "rupees", "&": "and", "@": "at", "#": "number",
    "+": "plus", "=": "equals", "/": "slash", "\\": "backslash", "_": "", "*": "times", "~": "about",
    "^": "to the power of",
    "<": "less than", ">": "greater than", "×": "times", "÷": "divided by", "−": "minus", "±": "plus or minus",
    "≈": "approximately equals",
    "≠": "is not equal to", "≤": "less than or equal to", "≥": "greater than or equal to", "≡": "is identical to",
    "∞": "infinity",
    "√": "the square root of", "∑": "the sum of", "∏": "the product of", "∫": "the integral of", "∂": "partial",
    "∇": "nabla",
    "∈": "in", "∉": "not in", "∩": "intersection", "∪": "union", "⊂": "subset of", "⊆": "subset of",
    "∅": "the empty set", "∀": "for all",
    "∃": "there exists", "¬": "not", "∧": "and", "∨": "or", "→": "to", "←": "from", "↔": "to and from",
    "⇒": "implies",
    "⇔": "if and only if", "↑": "up", "↓": "down", "°": "degrees", "§": "section", "¶": "paragraph",
    "©": "copyright", "®": "registered",
    "™": "trademark", "№": "number", "†": "dagger", "‡": "double dagger", "′": "prime", "″": "double prime",
    "∝": "proportional to", "⋅": "times", "∙": "times", "|": "",
}  # fmt: skip

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "micro", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "gamma", "Δ": "delta", "Θ": "theta",
    "Λ": "lambda",
    "Ξ": "xi", "Π": "pi", "Σ": "sigma", "Φ": "phi", "Ψ": "psi", "Ω": "omega",
}  # fmt: skip
