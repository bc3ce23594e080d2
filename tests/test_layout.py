"""Who may import whom (docs: PROJECT_STRUCTURE). Read from the source, so that a lazy import counts as well."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAY_IMPORT_TORCH = ("speech/engines/kyutai/",)  # moshi counts as torch


def imports_of(path: Path, everywhere: bool = True) -> set[str]:
    """Modules that the file imports; everywhere: inside functions and under TYPE_CHECKING too."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def offenders(folder: str, forbidden: tuple[str, ...], everywhere: bool = True) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in sorted(imports_of(path, everywhere))
        if name.split(".")[0] in forbidden or any(name == f or name.startswith(f + ".") for f in forbidden)
    ]


def test_speech_knows_no_http() -> None:
    assert offenders("speech", ("flask", "werkzeug", "web", "app", "mcp_server")) == []


def test_web_knows_no_engine_and_no_torch() -> None:
    assert offenders("web", ("torch", "moshi", "speech.engines", "app", "mcp_server")) == []


def test_the_manager_imports_nothing_of_ours() -> None:
    assert {name.split(".")[0] for name in imports_of(ROOT / "gpu_manager.py")}.isdisjoint({"speech", "web", "app"})


def test_torch_is_imported_where_the_model_is_and_nowhere_else() -> None:
    found = {line.split(" imports ")[0] for line in offenders("speech", ("torch", "moshi"), everywhere=False)}
    assert [path for path in found if not path.startswith(MAY_IMPORT_TORCH)] == []


def test_the_app_starts_without_torch() -> None:
    check = "import sys, app; assert not {'torch', 'moshi', 'hibari', 'onnxruntime'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


def test_the_assistants_side_knows_no_engine_and_no_flask() -> None:
    forbidden = ("torch", "moshi", "flask", "werkzeug", "web", "app", "mcp_server")
    assert offenders("assistant", forbidden) == []
    at_once = offenders("assistant", ("gpu_manager", "numpy", "speech"), everywhere=False)
    assert {line.split(" imports ")[0] for line in at_once} <= {"assistant/own.py", "assistant/server.py"}


def test_the_mcp_server_lists_its_tools_without_what_speaks() -> None:
    """assistant/own.py is imported when it is needed; of speech the others need no more than the version at first."""
    check = (
        "import sys, mcp_server, assistant.server, assistant.settings; "
        "loaded = {name for name in sys.modules if name.split('.')[0] in ('speech', 'torch', 'numpy', 'gpu_manager')}; "
        "assert loaded == {'speech'}, loaded"
    )
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)
