import pytest
from PIL import Image

from facemod.errors import InputError
from facemod.imaging.marking import Mark, is_result, mark_in, packet_for, read_mark

MARK = Mark("composite", 'smile +1.5 & <age> "-1"', "facemod 9.9")
BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def packet_with(properties):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f"{properties}</rdf:RDF></x:xmpmeta>"
    ).encode()


@pytest.mark.parametrize("kind", ["composite", "synthetic"])
def test_round_trip(kind):
    mark = Mark(kind, MARK.recipe, MARK.tool)
    assert mark_in(packet_for(b"", mark)) == mark


def test_the_words_that_photo_services_look_for():
    packet = packet_for(b"", MARK).decode()
    assert "<Iptc4xmpExt:DigitalSourceType xmlns:Iptc4xmpExt=" in packet
    assert f">{BASE}compositeWithTrainedAlgorithmicMedia<" in packet
    assert f">{BASE}trainedAlgorithmicMedia<" in packet_for(b"", Mark("synthetic", "", "")).decode()
    assert packet.startswith('<?xpacket begin="\ufeff"')
    assert packet.endswith('<?xpacket end="w"?>')


def test_everything_else_in_the_packet_stays(xmp_packet):
    packet = packet_for(xmp_packet, MARK).decode()
    assert 'xmp:Rating="5"' in packet
    assert "<dc:title><rdf:Alt><rdf:li>Na\u00efve</rdf:li></rdf:Alt></dc:title>" in packet
    assert "Old Camera" not in packet
    assert mark_in(packet.encode()) == MARK


def test_a_second_edit_replaces_the_first_mark():
    packet = packet_for(packet_for(b"", MARK), Mark("composite", "age -1", "facemod 10"))
    assert mark_in(packet) == Mark("composite", "age -1", "facemod 10")
    assert packet.count(b"digitalsourcetype") == 1
    assert b"smile" not in packet


@pytest.mark.parametrize(
    "properties",
    [
        f' Iptc4xmpExt:DigitalSourceType="{BASE}trainedAlgorithmicMedia"/>',
        f'><Iptc4xmpExt:DigitalSourceType rdf:resource="{BASE}trainedAlgorithmicMedia"/>'
        "</rdf:Description>",
    ],
)
def test_a_synthetic_picture_remains_synthetic(properties):
    old = packet_with(properties)
    assert mark_in(old).kind == "synthetic"
    assert mark_in(packet_for(old, MARK)) == Mark("synthetic", MARK.recipe, MARK.tool)
    assert packet_for(old, MARK).count(b"digitalsourcetype") == 1


def test_pointers_to_what_the_new_file_lacks_are_dropped():
    old = packet_with(
        ' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"'
        ' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="ABC"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">'
        "<xmp:Thumbnails>old face</xmp:Thumbnails></rdf:Description>"
    )
    packet = packet_for(old, None)
    for word in (b"MotionPhoto", b"HasExtendedXMP", b"old face"):
        assert word in old
        assert word not in packet
    assert b'xmp:Rating="4"' in packet


@pytest.mark.parametrize("old", [b"", b"rubbish", b"<x>", b"\xff\xfe\x00", b"<a/>", b"\x00" * 50])
def test_unusable_packets_are_replaced(old):
    assert mark_in(packet_for(old, MARK)) == MARK
    assert packet_for(old, None) == b""
    assert mark_in(old) is None


def test_entity_bombs_are_not_parsed(xmp_packet):
    lol = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    bomb = b'<!DOCTYPE x [<!ENTITY l0 "lol">' + lol + b"]>" + xmp_packet.replace(b"Na", b"&l9;")
    packet = packet_for(bomb, MARK)
    assert mark_in(packet) == MARK
    assert b"lol" not in packet
    assert len(packet) < 2000


def test_even_small_document_types_are_refused(xmp_packet):
    harmless = b'<!DOCTYPE x [<!ENTITY word "boo">]>' + xmp_packet.replace(b"Na", b"&word;")
    assert b"Rating" not in packet_for(harmless, MARK)
    assert packet_for(harmless, None) == b""


def test_bottomless_packets_are_replaced(xmp_packet):
    deep = xmp_packet.replace(b"<rdf:li>", b"<rdf:li>" + b"<b>" * 5000).replace(
        b"</rdf:li>", b"</b>" * 5000 + b"</rdf:li>"
    )
    assert mark_in(packet_for(deep, MARK)) == MARK


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(xmp_packet, encoding):
    packet = packet_for(xmp_packet.decode().encode(encoding), MARK)
    assert "Na\u00efve".encode() in packet


def test_recipes_cannot_break_the_packet():
    recipe = "a\x00b\x1bc ]]> \udcff \u5199 line\nbreak"
    packet = packet_for(b"", Mark("composite", recipe, "facemod"))
    assert mark_in(packet).recipe == "abc ]]>  \u5199 line\nbreak"


def test_sentence():
    mark = Mark("synthetic", "morph\nlinear", "facemod 9.9")
    assert mark.sentence == "facemod 9.9: trainedAlgorithmicMedia; morph linear"


def test_reading_marks_of_files(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "plain.png")
    assert read_mark(tmp_path / "plain.png") is None
    with pytest.raises(InputError, match="no such file"):
        read_mark(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("recipe", "tool", "ours"),
    [
        ("edit smile=+1", "facemod 9.9", True),
        ("reconstruct", "facemod 9.9", True),
        ("sample seed=7", "facemod 9.9", False),
        ("edit smile=+1", "Some Editor 3", False),
    ],
)
def test_results_are_known_without_decoding(tmp_path, monkeypatch, recipe, tool, ours):
    path = tmp_path / "a.jpg"
    packet = packet_for(b"", Mark("composite", recipe, tool))
    Image.new("RGB", (64, 64)).save(path, xmp=packet)

    def load(image):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert is_result(path) is ours


def test_what_cannot_be_read_is_no_result(tmp_path):
    (tmp_path / "a.jpg").write_text("dear diary")
    assert not is_result(tmp_path / "a.jpg")
    assert not is_result(tmp_path / "missing.jpg")
