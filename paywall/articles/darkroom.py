"""How a picture that is handed in becomes ours: decoded, set upright, made smaller and written anew.

Only pixels survive: no place of the camera, no name, nothing that hides behind the picture or in it.
"""

import hashlib
import re
import threading
import unicodedata
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps

from paywall.articles import pictures
from paywall.articles.pictures import LARGEST, TOO_LARGE, NotAPicture, Picture

# So many are decoded at once at most: 160 MB of memory. A camera's 24 million are fine.
MOST_PIXELS = 40_000_000
WIDEST = 1600
FORMATS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpeg": ("JPEG", ".jpg", {"quality": 82, "progressive": True}),
    "png": ("PNG", ".png", {"optimize": True}),
    "webp": ("WEBP", ".webp", {"quality": 82}),
}
LONGEST_STEM = 60

_one_at_a_time = threading.Lock()


def develop(filename: str, data: bytes) -> tuple[Picture, ...]:
    """The picture in an uploaded file, and after it its smaller ones; raises NotAPicture.

    Its name is made of the file's, of its bytes and of its size: the same file gives the same names again.
    """
    kind = _kind(data)
    stem, suffix = f"{_stem(filename)}-{hashlib.sha256(data).hexdigest()[:8]}", FORMATS[kind][1]
    with _one_at_a_time:
        whole = _bare(kind, data)
        return _printed(f"{stem}.{whole.width}x{whole.height}{suffix}", kind, whole)


def renew(name: str, data: bytes) -> tuple[Picture, ...]:
    """The picture under the name it has, because texts have it, and its smaller ones if the name is for that.

    Raises NotAPicture. The same bytes give the same picture again.
    """
    kind = _kind(data)
    pictures.check(name, data)
    with _one_at_a_time:
        whole = _bare(kind, data)
        if pictures.sized(name) not in (None, whole.size):
            raise NotAPicture(f"measures {whole.width} × {whole.height} pixels, and its name says otherwise")
        return _printed(name, kind, whole)


def _kind(data: bytes) -> str:
    if len(data) > LARGEST:
        raise NotAPicture(TOO_LARGE)
    kind, size = pictures.measure(data)
    _check(size)
    return kind


def _bare(kind: str, data: bytes) -> Image.Image:
    """Its pixels, no wider than we show them."""
    try:
        return _narrowed(_pixels(kind, data), WIDEST)
    except NotAPicture:
        raise
    except Exception:  # what a decoder raises for broken bytes has no common class
        raise NotAPicture("is broken: it cannot be decoded") from None


def _printed(name: str, kind: str, whole: Image.Image) -> tuple[Picture, ...]:
    smaller = ((small, _narrowed(whole, width)) for width, small in pictures.smaller(name))
    return tuple(
        Picture(called, _written(image, kind), image.width, image.height)
        for called, image in ((name, whole), *smaller)
    )


def _pixels(kind: str, data: bytes) -> Image.Image:
    """The picture as it is to be looked at, in sRGB, with nothing else about it."""
    image: Image.Image = Image.open(BytesIO(data), formats=[FORMATS[kind][0]])
    _check(image.size)
    # A JPEG can be decoded at a half or a quarter of its size at once.
    image.draft("RGB", (WIDEST, WIDEST))
    image = _in_srgb(ImageOps.exif_transpose(image))
    is_clear = kind != "jpeg" and image.has_transparency_data
    image = image.convert("RGBA" if is_clear else "RGB")
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def _in_srgb(image: Image.Image) -> Image.Image:
    """Phones take pictures in wider colours, which look dull once it is not said which."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode != "RGB":
        return image
    try:
        ours = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), ours)
    except (ImageCms.PyCMSError, OSError):
        return image
    return shown or image


def _check(size: tuple[int, int]) -> None:
    if not all(0 < side <= pictures.SIDE for side in size):
        raise NotAPicture(f"measures {size[0]} × {size[1]} pixels: {pictures.SIDE} a side is the most")
    if size[0] * size[1] > MOST_PIXELS:
        most = MOST_PIXELS // 1_000_000
        raise NotAPicture(f"has more than {most} million pixels: save it smaller, 1600 wide are enough")


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _written(image: Image.Image, kind: str) -> bytes:
    name, _, manner = FORMATS[kind]
    file = BytesIO()
    image.save(file, name, **manner)
    return file.getvalue()


def _stem(filename: str) -> str:
    plain = unicodedata.normalize("NFKD", filename.rpartition(".")[0]).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:LONGEST_STEM].strip("-") or "picture"
