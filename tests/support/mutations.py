"""Price files damaged at random, for tests and benchmarks of what reads them."""

from __future__ import annotations

from price_layouts import CSV, LAYOUTS, download, rows

SEED = 20240102


def files():
    """Good files of many layouts, as bytes."""
    texts = [
        "\n".join([*head, *rows(data, template, **stamps)])
        for data, head, template, stamps, _ in LAYOUTS.values()
    ]
    texts += [download().to_csv(), download(("A", "B")).to_csv(), CSV.replace(".", ",").replace("\n", "\r\n")]
    content = [text.encode() for text in texts]
    content += [CSV.encode("utf-16"), CSV.replace("Volume", "Stücke").encode("latin-1")]
    return content


def mutated(content, rng):
    """The file with bytes changed, cut, doubled, or put together with another's."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 40))):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[place % len(data)] = rng.randrange(256)
        elif kind == 1:
            data[place:place] = rng.choice(
                (
                    b",",
                    b";",
                    b"\n",
                    b'"',
                    b"\x00",
                    b"-",
                    b"E+12",
                    b"\xff\xfe",
                    b"\xe2\x82",
                    b" ",
                    b"nan",
                    b"1e999",
                )
            )
        elif kind == 2:
            del data[place : place + rng.randrange(1, 30)]
        elif kind == 3:
            data[place:place] = data[place : place + rng.randrange(1, 200)]
        elif kind == 4:
            del data[place:]
        elif kind == 5:
            data = data.replace(
                *rng.choice(
                    (
                        (b",", b";"),
                        (b".", b","),
                        (b"2024", b"3024"),
                        (b"-", b"/"),
                        (b"1", b"0"),
                        (b"\n", b"\r"),
                        (b":", b""),
                    )
                )
            )
        elif kind == 6:
            lines = bytes(data).split(b"\n")
            rng.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        else:
            data[place:place] = str(
                rng.choice((10**19, 2**63, -1, 0, 10**300, 99999999999999, 638397504000000000))
            ).encode()
        data = data[:40_000]
    return bytes(data)
