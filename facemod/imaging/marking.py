"""Saying in the file itself that a picture was edited or made by a model, and how.

The mark is an XMP packet with the IPTC property DigitalSourceType, which photo services read,
and the recipe of the edit. Everything else in a photo's own packet is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from facemod.errors import FacemodError
from facemod.imaging.opening import decode, embedded_xmp, opened_image

Kind = Literal["composite", "synthetic"]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_FACEMOD = "urn:facemod:xmp:1"
_SOURCE_TYPE = (_IPTC, "DigitalSourceType")
_TOOL = (_XMP, "CreatorTool")
_RECIPE = (_FACEMOD, "Recipe")

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_NAMES: dict[Kind, str] = {
    "composite": "compositeWithTrainedAlgorithmicMedia",
    "synthetic": "trainedAlgorithmicMedia",
}
_KINDS = {name: kind for kind, name in _NAMES.items()}

# Pointers to things outside the packet which a new file does not hold: parts of the packet that
# did not fit, gain maps, motion photos and depth pictures, and a thumbnail from before the edit.
_DANGLING_NAMESPACES = {
    "http://ns.adobe.com/xmp/note/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.google.com/photos/1.0/camera/",
    "http://ns.google.com/photos/1.0/container/",
}
_DANGLING = {(_XMP, "Thumbnails")}

_EMPTY = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">\
<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>"""
_OURS, _SAMPLES = "facemod ", "sample"
_HEADER = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_FOOTER = '<?xpacket end="w"?>'


@dataclass(frozen=True)
class Mark:
    """Who changed a picture, and how.

    ``kind`` is "composite" for a photo with edited parts, "synthetic" for a picture that a model
    made altogether; ``recipe`` is the edit in words, without paths or names of people; ``tool``
    is the program and its version.
    """

    kind: Kind
    recipe: str
    tool: str

    @property
    def sentence(self) -> str:
        """The mark in one line, for formats that hold only a comment."""
        return _clean(f"{self.tool}: {_NAMES[self.kind]}; {self.recipe}").replace("\n", " ")


def packet_for(old: bytes, mark: Mark | None) -> bytes:
    """The XMP packet of an edited photo: its old packet, made true again, with the mark in it.

    ``old`` may be empty or rubbish; then a new packet is started. Without a mark and without a
    usable old packet there is none. A picture that was synthetic before remains so.
    """
    document = _parsed(old)
    if document is None and mark is None:
        return b""
    document = document or minidom.parseString(_EMPTY)
    try:
        _drop_dangling(document)
        if mark is not None:
            _put(document, mark)
        text = f"{_HEADER}{_outermost(document).toxml()}{_FOOTER}"
        return text.encode("utf-8", "replace")
    except RecursionError:  # nested deeper than any honest packet
        return packet_for(b"", mark)


def mark_in(packet: bytes) -> Mark | None:
    """The mark that an XMP packet holds, if any (of whatever program)."""
    document = _parsed(packet)
    return None if document is None else _mark_of(document)


def read_mark(path: str | Path) -> Mark | None:
    """The mark in a picture file, if any. Raises InputError when it is not a readable picture."""
    with opened_image(Path(path)) as image:
        decode(image, Path(path))  # a PNG may hold its text after its pixels
        return mark_in(embedded_xmp(image))


def is_result(path: Path) -> bool:
    """Whether a picture file says that facemod made it of photos. Decodes no pixels.

    Drawn faces of people who do not exist are photos like any others; so is what other programs
    edited, and what cannot be read.
    """
    try:
        with opened_image(path, math.inf) as image:
            mark = mark_in(embedded_xmp(image))
    except FacemodError:
        return False
    if mark is None or not mark.tool.startswith(_OURS):
        return False
    return not mark.recipe.startswith(_SAMPLES)


def _parsed(packet: bytes) -> minidom.Document | None:
    """An XMP packet as a tree, or None when there is none that can be trusted.

    minidom rather than ElementTree, because it keeps the prefixes that some readers look for.
    No packet needs a document type, and every known XML bomb does, so any is refused.
    """
    try:
        text = packet.decode("utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        text = text.strip("\0 \r\n\t")
        if not text or "<!DOCTYPE" in text or "<!ENTITY" in text:
            return None
        document = minidom.parseString(text)
    except (UnicodeError, ExpatError, ValueError):
        return None
    return document if _root(document) is not None else None


def _root(document: minidom.Document) -> minidom.Element | None:
    """The element rdf:RDF, which is the outermost one or stands right below it."""
    outermost = _outermost(document)
    return next((e for e in (outermost, *_elements(outermost)) if _name(e) == (_RDF, "RDF")), None)


def _outermost(document: minidom.Document) -> minidom.Element:
    if document.documentElement is None:  # parsing saw to it that there is one
        raise ValueError("a document without an element")
    return document.documentElement


def _elements(parent: minidom.Element) -> list[minidom.Element]:
    return [node for node in parent.childNodes if isinstance(node, minidom.Element)]


def _mark_of(document: minidom.Document) -> Mark | None:
    kind = _KINDS.get(_value(document, _SOURCE_TYPE).rsplit("/", 1)[-1])
    if kind is None:
        return None
    return Mark(kind, _value(document, _RECIPE), _value(document, _TOOL))


def _drop_dangling(document: minidom.Document) -> None:
    for about in _descriptions(document):
        for namespace, name in _properties(about):
            if namespace in _DANGLING_NAMESPACES or (namespace, name) in _DANGLING:
                _remove(about, (namespace, name))


def _put(document: minidom.Document, mark: Mark) -> None:
    old = _mark_of(document)
    kind = "synthetic" if old and old.kind == "synthetic" else mark.kind
    for about in _descriptions(document):
        for name in (_SOURCE_TYPE, _TOOL, _RECIPE):
            _remove(about, name)
    about = document.createElementNS(_RDF, "rdf:Description")
    about.setAttribute("xmlns:rdf", _RDF)
    about.setAttributeNS(_RDF, "rdf:about", _subject(document))
    _append(about, "Iptc4xmpExt", _SOURCE_TYPE, _SOURCE_TYPES + _NAMES[kind])
    _append(about, "xmp", _TOOL, mark.tool)
    _append(about, "facemod", _RECIPE, mark.recipe)
    root = _root(document)
    if root is not None:  # a document without one was not taken
        root.appendChild(about)


def _append(about: minidom.Element, prefix: str, name: tuple[str, str], text: str) -> None:
    document = about.ownerDocument or minidom.Document()
    element = document.createElementNS(name[0], f"{prefix}:{name[1]}")
    element.setAttribute(f"xmlns:{prefix}", name[0])
    element.appendChild(document.createTextNode(_clean(text)))
    about.appendChild(element)


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable() or c == "\n")


def _subject(document: minidom.Document) -> str:
    """All descriptions in a packet must be about the same thing, which is usually unnamed."""
    for about in _descriptions(document):
        return about.getAttributeNS(_RDF, "about")
    return ""


def _name(node: minidom.Node) -> tuple[str | None, str | None]:
    return node.namespaceURI, node.localName


def _descriptions(document: minidom.Document) -> list[minidom.Element]:
    root = _root(document)
    children = [] if root is None else _elements(root)
    return [node for node in children if _name(node) == (_RDF, "Description")]


def _properties(about: minidom.Element) -> set[tuple[str, str]]:
    names = {_name(node) for node in (*about.attributes.values(), *about.childNodes)}
    return {(namespace, name) for namespace, name in names if namespace and name}


def _remove(about: minidom.Element, name: tuple[str, str]) -> None:
    if about.hasAttributeNS(*name):
        about.removeAttributeNS(*name)
    for child in list(about.childNodes):
        if _name(child) == name:
            about.removeChild(child)


def _value(document: minidom.Document, name: tuple[str, str]) -> str:
    for about in _descriptions(document):
        if about.hasAttributeNS(*name):
            return str(about.getAttributeNS(*name))
        for child in _elements(about):
            if _name(child) == name:
                text = "".join(node.data for node in child.childNodes if hasattr(node, "data"))
                return text.strip() or child.getAttributeNS(_RDF, "resource")
    return ""
