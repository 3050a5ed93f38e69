"""The parts of a Word file, with the names that Word itself gives to everything."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from lxml import etree

from engines.parsing.office import office_package

# Strict files call everything by other names.
_STRICT_NAME = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_USUAL_NAME = rb"http://schemas.openxmlformats.org/\1/2006/"
_UNUSED_FOLDERS = ("word/glossary/", "customXml/", "docProps/", "word/embeddings/")
_MAIN = "word/document.xml"


class Package(office_package.Package):
    @property
    def document(self) -> str:
        """The name of the part that is the document itself. Raise KeyError if there is none."""
        return self.main(_MAIN)

    def data(self, name: str) -> bytes:
        data = super().data(name)
        return _STRICT_NAME.sub(_USUAL_NAME, data) if name.endswith((".xml", ".rels")) else data

    def packed(self, changed: Mapping[str, Any]) -> bytes:
        """Return the file with these trees in place of its own, and only the parts that have text, with valid XML."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name in self.names():
                if name.endswith((".xml", ".rels")) and not name.startswith(_UNUSED_FOLDERS):
                    root = changed[name] if name in changed else self.tree(name)
                    archive.writestr(name, etree.tostring(root))
        return out.getvalue()
