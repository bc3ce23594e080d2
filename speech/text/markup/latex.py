"""LaTeX -> the same formula in plain signs, which reading then says: \\frac{1}{2} -> 1/2, \\alpha -> α, x^2 -> x²."""

from __future__ import annotations

import re

from speech.text.wordlist import wordset

MAX_CHARS = 300
DISPLAY = re.compile(rf"\$\$([^$]{{1,{MAX_CHARS}}})\$\$|\\\[(.{{1,{MAX_CHARS}}}?)\\\]", re.DOTALL)
INLINE = re.compile(
    rf"\\\((.{{1,{MAX_CHARS}}}?)\\\)|\$(?![\s$\d])([^$\n]{{1,120}})(?<!\s)\$(?!\d)|\$(\d[^\s$]{{0,120}}[\\^_][^\s$]{{0,120}})\$(?!\d)"
)
_MATHS = re.compile(r"[\\^_={}<>+]|^[A-Za-z]{1,2}$|^[A-Za-z]\([A-Za-z, ]+\)$")

_SIGNS = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠",
    "ne": "≠",
    "approx": "≈", "equiv": "≡", "infty": "∞", "sum": "∑", "prod": "∏", "int": "∫", "partial": "∂", "nabla": "∇",
    "to": "→",
    "rightarrow": "→", "leftarrow": "←", "Rightarrow": "⇒", "implies": "⇒", "iff": "⇔", "in": "∈", "notin": "∉",
    "cap": "∩",
    "cup": "∪", "subset": "⊂", "subseteq": "⊆", "emptyset": "∅", "forall": "∀", "exists": "∃", "neg": "¬",
    "land": "∧", "lor": "∨",
    "propto": "∝", "sim": "~", "lt": "<", "gt": ">", "degree": "°", "circ": "°", "percent": "%", "ldots": "…",
    "dots": "…", "cdots": "…",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ",
    "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_NAMES = wordset("sin cos tan log ln exp lim max min sup inf det gcd deg arg")
_SILENT = wordset("left right big Big bigg Bigg quad qquad displaystyle limits nolimits , ; : ! > hspace")
_WRAPPERS = wordset("text mathrm mathbf mathit mathsf operatorname textbf textit mathbb mathcal vec hat bar boxed")
_GROUP = r"\{([^{}]*)\}"
_TWO = re.compile(rf"\\[dt]?frac\s?{_GROUP}\s?{_GROUP}")
_ROOT = re.compile(rf"\\sqrt\s?{_GROUP}")
_WRAPPED = re.compile(rf"\\({'|'.join(_WRAPPERS)})\s?{_GROUP}")
_COMMAND = re.compile(r"\\([A-Za-z]{1,20}|[^\sA-Za-z])\s?")
_POWER = re.compile(rf"\^(?:{_GROUP}|(\w))")
_INDEX = re.compile(rf"_(?:{_GROUP}|(\w))")
_RAISED = {"2": "²", "3": "³"}


def is_formula(inner: str) -> bool:
    """Whether what stands between two dollar signs is a formula and no sum of money."""
    return _MATHS.search(inner) is not None


def plain(formula: str) -> tuple[str, list[str]]:
    """(the formula in plain signs, the commands that have no reading and are left out).

    >>> plain(r"\\frac{1}{2} x^2 + \\sqrt{y} \\leq \\alpha_1")
    ('1/2 x² + √ y ≤ α 1', [])
    >>> plain(r"\\mystery{a}")
    ('a', ['mystery'])
    """
    text = formula
    for _ in range(4):  # as deep as groups are read one inside another
        text = _WRAPPED.sub(r" \2 ", text)
        text = _TWO.sub(_over, text)
        text = _ROOT.sub(r" √ \1 ", text)
    unknown: list[str] = []
    text = _COMMAND.sub(lambda found: _command(found, unknown), text)
    text = _POWER.sub(lambda found: _power(found[1] or found[2] or ""), text)
    text = _INDEX.sub(lambda found: f" {found[1] or found[2] or ''} ", text)
    text = re.sub(r"[{}$&~]|_", " ", text)
    text = re.sub(r"\s*([=+<>×÷±≤≥≠≈→⇒∈−])\s*", r" \1 ", text)
    text = re.sub(r"(?<=[\w)])\s*-\s*(?=[\w(])", " − ", text)
    return " ".join(text.split()), unknown


def _over(found: re.Match[str]) -> str:
    top, bottom = found[1].strip(), found[2].strip()
    if top.isdecimal() and bottom.isdecimal():
        return f" {top}/{bottom} "
    return f" {top} ∕ {bottom} "


def _power(exponent: str) -> str:
    exponent = exponent.strip()
    if not exponent:
        return " "
    return f"{_RAISED[exponent]} " if exponent in _RAISED else f"^{exponent} "


def _command(found: re.Match[str], unknown: list[str]) -> str:
    name = found[1]
    if name in _SIGNS:
        return f" {_SIGNS[name]} "
    if name in _NAMES:
        return f" {name} "
    if name in _SILENT or name == "\\":
        return " "
    if name in {"{", "}", "%", "$", "&", "#", "_"}:
        return name if name == "%" else " "
    unknown.append(name)
    return " "


def may_go_on(text: str, place: int) -> bool:
    """Whether more text may make a formula of what begins at text[place] with a dollar sign or a backslash."""
    rest = text[place : place + MAX_CHARS + 4]
    if len(rest) > MAX_CHARS + 3 or rest[:2] in {"$ ", "$\n"}:
        return False
    if len(rest) == 1:
        return True
    if rest[0] == "\\":
        return rest[1] in "([" and (rest[1] == "[" or "\\)" not in rest)
    if rest[1] == "$":
        return "$" not in rest[2:-1] and rest[2:3] != "$"
    if rest[1].isdecimal():
        return not any(c.isspace() for c in rest) and "$" not in rest[1:]
    return not rest[1].isspace() and "\n" not in rest and "$" not in rest[1:] and len(rest) <= 122
