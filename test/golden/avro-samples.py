"""Random Avro schemas and values of them, written by fastavro, as one JSON object a line.

    python avro-samples.py SEED COUNT > avro-samples.jsonl      (fastavro 1.13)

`schema`; `values`, each with the bytes that fastavro wrote (`hex`) and the JSON in which the value
must come out and can be sent in (`json`); and `reader`, a schema that reads some of the fields, with
what it must give (`read`).
"""
import base64
import io
import json
import math
import random
import struct
import sys

import fastavro

NAMES = ['constructor', '__proto__', 'toString', 'in', 'class', 'value', 'key', 'hasOwnProperty',
         'then', 'null', 'long', 'map', 'default', '_', 'x1', 'Name', 'prototype', 'valueOf']
NAMESPACES = [None, 'acme', 'acme.inner', 'true.class']
PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
TEXTS = ['', 'a', 'm-1', 'ü', '🔔', 'x' * 64, 'NaN', '9007199254740993', '"\\\n', 'AAAA']
INTS = [0, -1, 1, 63, 64, -64, -65, 8192, 2**27, 2**31 - 1, -2**31]
LONGS = INTS + [2**32, 2**49, 2**52, -2**52, 2**53 - 1, 2**53, 2**53 + 1, -2**53 - 1, 2**63 - 1,
                -2**63, 1767225600000]
# Minus zero is left out: a JavaScript program's JSON has no sign for it.
DOUBLES = [0.0, 1.5, -2.25, 1e300, 1e-300, math.nan, math.inf, -math.inf, 2.0**60, 0.1]
FORMS = {'null': 'null', 'boolean': 'boolean', 'int': 'number', 'long': 'number',
         'float': 'number', 'double': 'number', 'bytes': 'text', 'string': 'text', 'enum': 'text',
         'fixed': 'text', 'array': 'array', 'record': 'object', 'map': 'object'}


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.named = {}
        self.count = 0

    def name(self, namespace):
        """A new name, the schema's attributes for it, and the namespace inside."""
        self.count += 1
        short = f'{self.rng.choice(NAMES)}{self.count}'
        own = self.rng.choice(NAMESPACES)
        inside = namespace if own is None else own
        full = f'{inside}.{short}' if inside else short
        if own is None:
            return full, {'name': short}, inside
        if self.rng.random() < 0.5:
            return full, {'name': full}, inside
        return full, {'name': short, 'namespace': own}, inside

    def type(self, depth, namespace, around):
        roll = self.rng.random()
        if depth > 4 or roll < 0.4:
            plain = self.rng.choice(PRIMITIVES)
            if roll < 0.05:
                return {'type': plain, 'logicalType': 'acme-own'}
            return {'type': plain} if roll < 0.1 else plain
        if roll < 0.6:
            return self.union(depth, namespace, around)
        if roll < 0.66 and around:
            return ['null', self.rng.choice(around)]
        if roll < 0.72 and self.named:
            return self.rng.choice([name for name in self.named if name not in around] or ['int'])
        if roll < 0.8:
            return {'type': 'array', 'items': self.type(depth + 1, namespace, around)}
        if roll < 0.87:
            return {'type': 'map', 'values': self.type(depth + 1, namespace, around)}
        return self.define(depth, namespace, around)

    def define(self, depth, namespace, around):
        full, attributes, inside = self.name(namespace)
        roll = self.rng.random()
        if roll < 0.3:
            symbols = self.rng.sample(['A', 'B', 'constructor', '__proto__', 'in'], 3)
            schema = {'type': 'enum', **attributes, 'symbols': symbols}
        elif roll < 0.5:
            schema = {'type': 'fixed', **attributes, 'size': self.rng.randrange(4)}
        else:
            return self.record(depth, full, attributes, inside, around)
        self.named[full] = schema
        return schema

    def record(self, depth, full, attributes, inside, around):
        schema = {'type': 'record', **attributes, 'fields': []}
        self.named[full] = schema
        count = self.rng.randint(2, 7) if depth == 0 else self.rng.randint(0, 3)
        for name in self.rng.sample(NAMES, count):
            of = self.type(depth + 1, inside, [*around, full])
            schema['fields'].append({'name': name, 'type': of})
        return schema

    def union(self, depth, namespace, around):
        branches, seen = ['null'], {'null'}
        for _ in range(self.rng.randint(1, 4)):
            of = self.type(depth + 1, namespace, around)
            if isinstance(of, list) or branch_name(of, self, namespace) in seen:
                continue
            seen.add(branch_name(of, self, namespace))
            branches.append(of)
        self.rng.shuffle(branches)
        # What is defined in a later branch must not be named in an earlier one.
        return branches if not any(isinstance(b, dict) and 'name' in b for b in branches) else (
            sorted(branches, key=lambda b: isinstance(b, str)))


def branch_name(of, maker, namespace):
    if isinstance(of, str):
        return of
    if of['type'] in ('record', 'enum', 'fixed'):
        return next(full for full, schema in maker.named.items() if schema is of)
    return of['type'] if isinstance(of['type'], str) else 'none'


def kind_of(of, maker):
    if isinstance(of, list):
        return 'union'
    if isinstance(of, str):
        return of if of in PRIMITIVES else maker.named[of]['type']
    return of['type']


def fits_float(value):
    return struct.unpack('<f', struct.pack('<f', value))[0]


def value_of(of, maker, depth):
    """The value as fastavro takes it, and as JSON."""
    rng = maker.rng
    kind = kind_of(of, maker)
    schema = maker.named[of] if isinstance(of, str) and of in maker.named else of
    if kind == 'union':
        return union_value(of, maker, depth)
    if kind == 'null':
        return None, None
    if kind == 'boolean':
        return (rng.random() < 0.5,) * 2
    if kind == 'int':
        return (rng.choice(INTS),) * 2
    if kind == 'long':
        value = rng.choice(LONGS)
        return value, value if abs(value) < 2**53 else str(value)
    if kind in ('float', 'double'):
        value = rng.choice(DOUBLES)
        if kind == 'float':
            value = fits_float(value) if abs(value) < 3e38 or not math.isfinite(value) else 0.5
        return value, value if math.isfinite(value) else told(value)
    if kind == 'string':
        return (rng.choice(TEXTS),) * 2
    if kind in ('bytes', 'fixed'):
        size = schema['size'] if kind == 'fixed' else rng.randrange(5)
        value = bytes(rng.randrange(256) for _ in range(size))
        return value, base64.b64encode(value).decode()
    if kind == 'enum':
        return (rng.choice(schema['symbols']),) * 2
    many = 0 if depth > 5 else rng.randrange(3)
    if kind == 'array':
        pairs = [value_of(schema['items'], maker, depth + 1) for _ in range(many)]
        return [value for value, _ in pairs], [shown for _, shown in pairs]
    if kind == 'map':
        keys = rng.sample(['a', '', '__proto__', 'constructor', 'ü'], many)
        pairs = {key: value_of(schema['values'], maker, depth + 1) for key in keys}
        return {k: v for k, (v, _) in pairs.items()}, {k: s for k, (_, s) in pairs.items()}
    pairs = {f['name']: value_of(f['type'], maker, depth + 1) for f in schema['fields']}
    return {k: v for k, (v, _) in pairs.items()}, {k: s for k, (_, s) in pairs.items()}


def told(value):
    return 'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'


def union_value(branches, maker, depth):
    branch = 'null' if depth > 5 else maker.rng.choice(branches)
    value, shown = value_of(branch, maker, depth + 1)
    kind = kind_of(branch, maker)
    if kind == 'null':
        return None, None
    name = branch_name(branch, maker, None)
    forms = [FORMS[kind_of(b, maker)] for b in branches]
    kinds = {kind_of(b, maker) for b in branches}
    is_wrapped = len(set(forms)) < len(forms) or (
        'text' in forms and 'object' in forms and bool(kinds & {'long', 'float', 'double'}))
    is_told = 'text' in forms and kind in ('long', 'float', 'double') and isinstance(shown, str)
    return (name, value), {name: shown} if is_wrapped or is_told else shown


def reader_of(schema, rng):
    """Some of the fields, in another order, wider where they can be, and one more."""
    fields = []
    for field in schema['fields']:
        if rng.random() < 0.3:
            continue
        of = field['type']
        if of == 'int' and rng.random() < 0.5:
            of = rng.choice(['long', 'double', ['null', 'long']])
        elif of == 'float':
            of = 'double'
        elif of == 'string' and rng.random() < 0.5:
            of = ['null', 'string']
        elif not isinstance(of, str):
            continue
        elif of not in PRIMITIVES:
            continue
        fields.append({'name': field['name'], 'type': of})
    rng.shuffle(fields)
    fields.append({'name': 'added', 'type': {'type': 'array', 'items': 'int'}, 'default': [7]})
    names = {key: schema[key] for key in ('name', 'namespace') if key in schema}
    return {'type': 'record', **names, 'fields': fields}


def checked(read, shown):
    """What fastavro reads is what is expected, as far as JSON says it."""
    for name, value in shown.items():
        told_as = read[name]
        if isinstance(told_as, bytes):
            told_as = base64.b64encode(told_as).decode()
        elif isinstance(told_as, float) and not math.isfinite(told_as):
            told_as = told(told_as)
        elif isinstance(told_as, int) and isinstance(value, str):
            told_as = str(told_as)
        assert told_as == value, (name, told_as, value)


def sample(seed):
    maker = Maker(random.Random(seed))
    full, attributes, inside = maker.name(None)
    schema = maker.record(0, full, attributes, inside, [])
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
    reader = reader_of(schema, maker.rng)
    read_as = fastavro.parse_schema(json.loads(json.dumps(reader)))
    values = []
    for _ in range(4):
        value, shown = value_of(schema, maker, 0)
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, value)
        out.seek(0)
        expected = {f['name']: shown[f['name']] for f in reader['fields'] if f['name'] != 'added'}
        expected['added'] = [7]
        checked(fastavro.schemaless_reader(out, parsed, read_as), expected)
        values.append({'hex': out.getvalue().hex(), 'json': shown, 'read': expected})
    return {'seed': seed, 'schema': schema, 'reader': reader, 'values': values}


def main():
    first, count = int(sys.argv[1]), int(sys.argv[2])
    made, seed = 0, first
    while made < count:
        seed += 1
        try:
            line = sample(seed)
        except (fastavro.schema.UnknownType, fastavro.schema.SchemaParseException):
            # A name that is met before it is defined.
            continue
        made += 1
        print(json.dumps(line, ensure_ascii=False, separators=(',', ':')))


main()
