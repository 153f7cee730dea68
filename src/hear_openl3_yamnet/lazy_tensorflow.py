"""A finder by which TensorFlow's public names are imported when they are first used.

``import tensorflow`` executes some 330 modules (``tensorflow._api``), most of which define nothing:
their lines are ``from … import …``. They load what no command needs: the names of version 1, Lite,
TPUs, feature columns, an old Keras.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_RE_EXPORT = re.compile(r"from (\S+) import (\w+)(?: as (\w+))?(?: +#.*)?")
_NOTHING = re.compile(r'(import sys as _sys|#.*|""".*)?')

_PACKAGES = {f"tensorflow._api.v2.{name}": f"tensorflow.{name}" for name in ("lite", "distribute")}
"""Modules of public names that have the name of a package of TensorFlow."""


def install() -> None:
    """Let the names of TensorFlow be lazy, if it is not imported yet."""
    if "tensorflow" not in sys.modules and _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds the modules of public names, to be loaded by `_Loader`."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("tensorflow._api.v2."):
            return None
        if name in _PACKAGES:  # it would take the name `tensorflow.lite` if it came later
            with suppress(ModuleNotFoundError):
                import_module(_PACKAGES[name])
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Loads a module whose every name is imported when it is first asked for."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute a module: if it only imports names, note from where."""
        names = {}
        for line in (self.get_source(module.__name__) or "").splitlines():
            if found := _RE_EXPORT.fullmatch(line):
                names[found[3] or found[2]] = found[1], found[2]
            elif not _NOTHING.fullmatch(line):
                return super().exec_module(module)

        def load(name: str) -> Any:
            if name not in names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            source, attribute = names[name]
            if source == module.__name__:
                value = import_module(f"{source}.{attribute}")
            else:
                value = getattr(__import__(source, fromlist=[attribute]), attribute)
            setattr(module, name, value)
            return value

        module.__getattr__ = load  # type: ignore[method-assign]
        module.__dir__ = lambda: sorted({*vars(module), *names})  # type: ignore[method-assign]
        return None
