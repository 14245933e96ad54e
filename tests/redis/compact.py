"""The compact history of a host: `metrics:compact:{host}:{day}`, samples of one UTC day behind one another.

A sample is the difference to the one that the same connection wrote before it into the same key:
  varint   chain * 2 + is_first           which connection wrote it (a number from the server), and whether it begins anew
  varint   zigzag of the milliseconds since the sample before (first: since the day's start)
  varint   first: which fields it has; else: which of these fields have changed; bit by bit, in the order of FIELDS
  varint   for each bit: zigzag of the difference (first: of the number itself)
If other fields are present than before, it begins anew. Fields that others tell are replaced by how far they are from
that: free by total - used - free, percents by the percents of used in total. Numbers are whole, in units of the kind's
last decimal.
"""
# What changes most often has the low bits.
FIELDS = ["cpu", "load1", "memory_used", "load5", "load15", "disk_used", "bytes_in", "bytes_out", "packets_in",
          "packets_out", "memory", "memory_free", "disk", "disk_free", "cores", "memory_total", "disk_total"]
AT = {name: number for number, name in enumerate(FIELDS)}
DAY = 86_400_000


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return number * 2 if number >= 0 else -number * 2 - 1


def predicted(numbers):
    """The same both ways: replaces what can be told from the rest by how far off that is."""
    numbers = list(numbers)
    for name in ("memory", "disk"):
        used, total = numbers[AT[f"{name}_used"]], numbers[AT[f"{name}_total"]]
        if used is None or not total:
            continue
        for field, told in ((name, (2000 * used + total) // (2 * total)), (f"{name}_free", total - used)):
            if numbers[AT[field]] is not None:
                numbers[AT[field]] = told - numbers[AT[field]]
    return numbers


class Chain:
    """The samples of one connection for one host and day."""

    def __init__(self, number):
        self.number, self.before = number, None

    def record(self, at, numbers):
        numbers = predicted(numbers)
        present = [number is not None for number in numbers]
        is_first = self.before is None or present != [number is not None for number in self.before[1]]
        base = (at - at % DAY, [0 if number is not None else None for number in numbers]) if is_first else self.before
        bits, tail = 0, b""
        for place, number in enumerate(numbers):
            if number is not None and (is_first or number != base[1][place]):
                bits |= 1 << place
                tail += varint(zigzag(number - base[1][place]))
        self.before = (at, numbers)
        return varint(self.number * 2 + is_first) + varint(zigzag(at - base[0])) + varint(bits) + tail


def read(day, data):
    """All samples of a key, as (instant, numbers); stops where the bytes make no sense."""
    place, chains, found = 0, {}, []

    def number():
        nonlocal place
        result, shift = 0, 0
        while True:
            byte = data[place]
            place += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result
            shift += 7

    def signed():
        raw = number()
        return raw >> 1 if raw % 2 == 0 else -(raw >> 1) - 1

    while place < len(data):
        chain, is_first = divmod(number(), 2)
        moved, bits = signed(), number()
        at, numbers = (day, [None] * len(FIELDS)) if is_first else chains[chain]
        numbers = list(numbers)
        for field in range(len(FIELDS)):
            if bits >> field & 1:
                numbers[field] = (numbers[field] or 0) + signed()
        chains[chain] = (at + moved, numbers)
        found.append((at + moved, predicted(numbers)))
    return sorted(found, key=lambda sample: sample[0])
