"""Read a YAML file of settings into plain values, in bounded memory and time.

Refuses what settings never need and only an accident or an attack produces: anchors and aliases,
which can stand for far more than the file holds, deep nesting, and huge files.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node, ScalarNode

from localensemble.core.input_files import read_input_text
from localensemble.core.limits import MOST_SETTINGS_BYTES, MOST_SETTINGS_DEPTH


def read_yaml(path: Path) -> object:
    """Read a YAML file with one document.

    Raises:
        OSError: the file cannot be read, is not a file on a disk, or is too large.
        UnicodeDecodeError: the file is not UTF-8.
        YAMLError: the file is not YAML as described in the module; it has a ``problem_mark`` if
            the place is known.
    """
    text = read_input_text(path, most_bytes=MOST_SETTINGS_BYTES)
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = MOST_SETTINGS_DEPTH
    try:
        with warnings.catch_warnings():
            # Anchors are refused below, with their line.
            warnings.simplefilter("ignore")
            root: Node | None = reader.compose(text)
        if root is None:
            return None
        _refuse_anchors(root)
        content: object = reader.constructor.construct_document(root)
    except YAMLError:
        raise
    except Exception as error:  # on hostile input, the reader also raises outside its own errors
        raise YAMLError(type(error).__name__) from None
    return content


def _refuse_anchors(root: Node) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.anchor is not None:
            raise ComposerError(
                None, None, "anchors (&) and aliases (*) are not allowed", node.start_mark
            )
        if not isinstance(node, ScalarNode):
            for part in node.value:
                waiting.extend(part if isinstance(part, tuple) else (part,))
