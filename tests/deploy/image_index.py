"""Describes an image of LXD as a server of images does (the "simplestreams" protocol).

Argument: a folder with images/lxd.tar.xz and images/rootfs.squashfs; streams/v1 is written beside them.
"""

import hashlib
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
PRODUCT = "debian:bookworm:amd64:default"


def digest(*names):
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in names)).hexdigest()


def item(name, kind, **more):
    return {"ftype": kind, "path": name, "size": (folder / name).stat().st_size, "sha256": digest(name), **more}


metadata, root = "images/lxd.tar.xz", "images/rootfs.squashfs"
version = {
    "lxd.tar.xz": item(metadata, "lxd.tar.xz", combined_squashfs_sha256=digest(metadata, root)),
    "root.squashfs": item(root, "squashfs"),
}
product = {
    "aliases": "debian/12,debian/bookworm",
    "arch": "amd64",
    "os": "Debian",
    "release": "bookworm",
    "release_title": "bookworm",
    "variant": "default",
    "versions": {"20230610_00:00": {"items": version}},
}
streams = folder / "streams/v1"
streams.mkdir(parents=True)
kind = {"datatype": "image-downloads"}
index = {**kind, "path": "streams/v1/images.json", "format": "products:1.0", "products": [PRODUCT]}
(streams / "index.json").write_text(json.dumps({"format": "index:1.0", "index": {"images": index}}))
images = {**kind, "content_id": "images", "format": "products:1.0", "products": {PRODUCT: product}}
(streams / "images.json").write_text(json.dumps(images))
