"""Languages: ISO 639-3 codes inside Layover, two-letter codes in XTREME's files.

Names, scripts and families are those of ISO 639-3, ISO 15924 and Glottolog. The languages are
those of XTREME and XTREME-R, and the ones that `register` adds (such as the generated world's).
"""

from __future__ import annotations

from dataclasses import dataclass

from layover.errors import UnknownName
from layover.registry import unknown


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language as figures and file patterns need it."""

    code: str
    """ISO 639-3."""
    short: str
    """The code in XTREME's file names."""
    name: str
    script: str
    """ISO 15924."""
    lineage: tuple[str, ...]
    """Family, then branches, coarse to fine."""


_TABLE = """
afr af Afrikaans   Latn Indo-European/Germanic/West
arb ar Arabic      Arab Afro-Asiatic/Semitic
aze az Azerbaijani Latn Turkic/Oghuz
bul bg Bulgarian   Cyrl Indo-European/Balto-Slavic/Slavic/South
ben bn Bengali     Beng Indo-European/Indo-Iranian/Indo-Aryan
deu de German      Latn Indo-European/Germanic/West
ell el Greek       Grek Indo-European/Greek
eng en English     Latn Indo-European/Germanic/West
spa es Spanish     Latn Indo-European/Italic/Romance
est et Estonian    Latn Uralic/Finnic
eus eu Basque      Latn Basque
fas fa Persian     Arab Indo-European/Indo-Iranian/Iranian
fin fi Finnish     Latn Uralic/Finnic
fra fr French      Latn Indo-European/Italic/Romance
guj gu Gujarati    Gujr Indo-European/Indo-Iranian/Indo-Aryan
heb he Hebrew      Hebr Afro-Asiatic/Semitic
hin hi Hindi       Deva Indo-European/Indo-Iranian/Indo-Aryan
hat ht Haitian     Latn Indo-European/Italic/Romance
hun hu Hungarian   Latn Uralic/Ugric
ind id Indonesian  Latn Austronesian/Malayo-Polynesian/Malayic
ita it Italian     Latn Indo-European/Italic/Romance
jpn ja Japanese    Jpan Japonic
jav jv Javanese    Latn Austronesian/Malayo-Polynesian/Javanese
kat ka Georgian    Geor Kartvelian
kaz kk Kazakh      Cyrl Turkic/Kipchak
kor ko Korean      Kore Koreanic
lit lt Lithuanian  Latn Indo-European/Balto-Slavic/Baltic
mal ml Malayalam   Mlym Dravidian/South
mar mr Marathi     Deva Indo-European/Indo-Iranian/Indo-Aryan
msa ms Malay       Latn Austronesian/Malayo-Polynesian/Malayic
mya my Burmese     Mymr Sino-Tibetan/Tibeto-Burman
nld nl Dutch       Latn Indo-European/Germanic/West
pan pa Punjabi     Guru Indo-European/Indo-Iranian/Indo-Aryan
pol pl Polish      Latn Indo-European/Balto-Slavic/Slavic/West
por pt Portuguese  Latn Indo-European/Italic/Romance
que qu Quechua     Latn Quechuan
ron ro Romanian    Latn Indo-European/Italic/Romance
rus ru Russian     Cyrl Indo-European/Balto-Slavic/Slavic/East
swa sw Swahili     Latn Atlantic-Congo/Bantu
tam ta Tamil       Taml Dravidian/South
tel te Telugu      Telu Dravidian/South-Central
tha th Thai        Thai Tai-Kadai
tgl tl Tagalog     Latn Austronesian/Malayo-Polynesian/Philippine
tur tr Turkish     Latn Turkic/Oghuz
ukr uk Ukrainian   Cyrl Indo-European/Balto-Slavic/Slavic/East
urd ur Urdu        Arab Indo-European/Indo-Iranian/Indo-Aryan
vie vi Vietnamese  Latn Austroasiatic/Vietic
wol wo Wolof       Latn Atlantic-Congo/Atlantic
yor yo Yoruba      Latn Atlantic-Congo/Defoid
zho zh Chinese     Hans Sino-Tibetan/Sinitic
"""


def _parse(line: str) -> Language:
    code, short, name, script, lineage = line.split()
    return Language(
        code=code, short=short, name=name, script=script, lineage=tuple(lineage.split("/"))
    )


_LANGUAGES = {entry.code: entry for entry in map(_parse, _TABLE.strip().splitlines())}
_DECLARED_DISTANCES: dict[tuple[str, str], float] = {}


def register(entry: Language, distances: dict[str, float] | None = None) -> None:
    """Make a language known, with its distance to others where that was declared."""
    _LANGUAGES[entry.code] = entry
    for other, value in (distances or {}).items():
        _DECLARED_DISTANCES[entry.code, other] = value
        _DECLARED_DISTANCES[other, entry.code] = value


def known() -> tuple[str, ...]:
    """The codes of all languages that are known."""
    return tuple(_LANGUAGES)


def language(code: str) -> Language:
    """The language with this ISO 639-3 code; raises `UnknownName` with the nearest codes."""
    if code in _LANGUAGES:
        return _LANGUAGES[code]
    for entry in _LANGUAGES.values():
        if code == entry.short:
            raise UnknownName(
                f"languages are named by ISO 639-3: use {entry.code!r} ({entry.name}) "
                f"where you wrote {code!r}"
            )
    raise UnknownName(unknown("language", code, _LANGUAGES))


def apart(one: str, other: str) -> float:
    """How far two languages are apart, 0 to 1: declared, or from ancestry and script.

    Without a declared distance, three quarters of it is the part of the longer lineage that is
    not shared and one quarter is a different script. It only orders figures; no result uses it.
    """
    if one == other:
        return 0.0
    if (one, other) in _DECLARED_DISTANCES:
        return _DECLARED_DISTANCES[one, other]
    left, right = language(one), language(other)
    shared = 0
    for mine, theirs in zip(left.lineage, right.lineage, strict=False):
        if mine != theirs:
            break
        shared += 1
    apart = 1 - shared / (1 + max(len(left.lineage), len(right.lineage)))
    return 0.75 * apart + 0.25 * (left.script != right.script)


def by_distance(codes: tuple[str, ...], source: str) -> tuple[str, ...]:
    """`codes` ordered from near to far, as seen from `source`; ties by code."""
    return tuple(sorted(codes, key=lambda code: (apart(source, code), code)))
