"""How the language of a text is named. Knows nothing of what can be done in it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_PATTERN = "^[A-Za-z]{2}([-_].*)?$"
_CODE = re.compile(_PATTERN, re.DOTALL)


def language_code(tag: str) -> str:
    """A language tag (BCP 47, "en-US") -> its ISO 639-1 code, "en". Raises ValueError unless it begins with one."""
    if not _CODE.match(tag):
        raise ValueError("must be a language of two letters, such as en or fr")
    return tag[:2].lower()


Language = Annotated[str, AfterValidator(language_code), Field(json_schema_extra={"pattern": _PATTERN})]
