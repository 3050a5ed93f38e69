"""XML."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

XML = "application/xml"
FORMATS: tuple[Format, ...] = (
    text_format(
        XML,
        "engines.parsing.markup.xml.read",
        "XML",
        *(".xml", ".svg", ".rss", ".atom", ".nxml", ".xmp", ".tmx", ".xlf", ".xliff", ".rdf", ".kml", ".gml"),
        *(".dita", ".ditamap", ".xsd", ".xsl", ".xslt", ".wsdl", ".opml", ".plist", ".resx", ".ttml"),
        name="XML document",
        shares_process=False,
        version=3,
        detected_as=("xml",),
    ),
)
