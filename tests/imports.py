"""What Python files import, read from their source: lazy imports and those under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def imports_of(root: Path, file: Path, *, lazy: bool = True) -> set[str]:
    """The modules that a file imports, by their full names.

    root: the folder that is on the path. lazy: False leaves out what is imported inside a function.
    `from a import b` is `a.b` where that is a module below root, else `a`.
    """
    tree = ast.parse(file.read_text())
    nodes = ast.walk(tree) if lazy else _at_import(tree)
    return {name for node in nodes for name in _named(root, file, node)}


def source_of(root: Path, module: str) -> Path | None:
    """The file of a module below root."""
    place = root / module.replace(".", "/")
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not the bodies of functions, not what only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _at_import(node)


def _named(root: Path, file: Path, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = _package(root, file, node)
        for alias in node.names:
            inner = f"{package}.{alias.name}"
            yield inner if source_of(root, inner) else package
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        yield from (str(first.value) for first in node.args[:1] if isinstance(first, ast.Constant))


def _package(root: Path, file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    base = file.relative_to(root).parts[: -node.level]
    return ".".join([*base, *([node.module] if node.module else [])])
