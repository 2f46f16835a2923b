import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readableSchemas, readSchemaFolder } from './folder.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-schemas-'));
after(() => rmSync(root, { recursive: true }));

function folder(name: string, files: { readonly [file: string]: string }): string {
  const dir = join(root, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(dir, file, '..'), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return dir;
}
const record = (name: string, doc = '') =>
  JSON.stringify({ type: 'record', name, doc, fields: [] });

test('records are found by name in all folders below, the later folder wins', () => {
  const own = folder('own', { 'events/a.avsc': record('A'), 'tables/b.avsc': record('B') });
  const users = folder('users', { 'b.avsc': record('B', 'mine'), 'notes.txt': 'not a schema' });
  const schemas = readSchemaFolder(own, users);
  assert.deepEqual(schemas.names(), ['A', 'B']);
  assert.equal(schemas.get('B')?.doc, 'mine');
  assert.equal(schemas.fileOf('B'), join(users, 'b.avsc'));
  assert.equal(schemas.get('C'), undefined);
});

function linked(name: string, to: string): string {
  const dir = folder(name, { 'a.avsc': record('A') });
  symlinkSync(join(dir, to), join(dir, 'x'));
  return dir;
}

const refused: readonly [string, () => string, string][] = [
  ['a folder that is not there', () => join(root, 'nowhere'), 'CAR420'],
  ['a link that leads nowhere', () => linked('gone', 'nowhere'), 'CAR420'],
  ['a link to itself', () => linked('circle', 'x'), 'CAR420'],
  ['a file that is not JSON', () => folder('text', { 'a.avsc': '{ type: record' }), 'CAR421'],
  ['a file with an enum', () => folder('enum', { 'a.avsc': '{"type":"enum"}' }), 'CAR421'],
];
for (const [name, dir, code] of refused) {
  test(`${name} is ${code}, with the path`, () => {
    const at = dir();
    assert.throws(
      () => readSchemaFolder(at),
      (error: { code: string; where: { file: string } }) =>
        error.code === code && error.where.file.startsWith(at),
    );
  });
}

const event = (type: unknown, more: object = {}) =>
  JSON.stringify({
    type: 'record',
    name: 'Event',
    namespace: 'acme.events',
    fields: [
      { name: 'home', type },
      { name: 'away', type, ...more },
    ],
  });
const address = (name = 'Address', namespace = 'acme.events') =>
  JSON.stringify({
    type: 'record',
    name,
    namespace,
    fields: [{ name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A'] } }],
  });

test('files name the types of others, whatever their order, and each stands for itself', () => {
  const dir = folder('refer', {
    'a-event.avsc': event('Address'),
    'b-address.avsc': address(),
    'c-money.avsc': '\uFEFF{"type":"enum","name":"acme.Currency","symbols":["EUR"]}',
    'd-price.avsc': JSON.stringify({
      type: 'record',
      name: 'Price',
      fields: [
        { name: 'in', type: ['null', 'acme.Currency'], default: null },
        { name: 'kind', type: 'acme.events.Kind' },
      ],
    }),
    // Two that hold each other.
    'e-tree.avsc':
      '{"type":"record","name":"t.Tree","fields":[{"name":"of","type":["null","Leaf"]}]}',
    'f-leaf.avsc':
      '{"type":"record","name":"t.Leaf","fields":[{"name":"on","type":["null","Tree"]}]}',
    'g-two.avsc': `[${record('One')},${record('Two')}]`,
  });
  const schemas = readSchemaFolder(dir);
  assert.deepEqual([...schemas.names()].sort(), [
    'Address',
    'Event',
    'Leaf',
    'One',
    'Price',
    'Tree',
    'Two',
  ]);
  const [home, away] = schemas.get('Event')!.fields;
  assert.deepEqual(home!.type, JSON.parse(address()));
  assert.equal(away!.type, 'acme.events.Address');
  const [currency, kind] = schemas.get('acme.Price')?.fields ?? schemas.get('Price')!.fields;
  assert.deepEqual((currency!.type as object[])[1], {
    type: 'enum',
    name: 'Currency',
    namespace: 'acme',
    symbols: ['EUR'],
  });
  assert.equal((kind!.type as { name: string }).name, 'Kind');
});

test('one last part of a name in two namespaces: both are there by their full names', () => {
  const own = folder('own-names', { 'a.avsc': address('Device', 'reno.tables') });
  const users = folder('user-names', {
    'b.avsc': address('Device', 'acme.iot'),
    'c.avsc': address('Created', 'acme.orders'),
    'd.avsc': address('Created', 'acme.users'),
  });
  const schemas = readSchemaFolder(own, users);
  // What the engine itself asks for is never replaced by another.
  assert.equal(schemas.get('Device')?.namespace, 'reno.tables');
  assert.equal(schemas.get('acme.iot.Device')?.namespace, 'acme.iot');
  assert.equal(schemas.get('Created'), undefined);
  assert.equal(schemas.fileOf('acme.users.Created'), join(users, 'd.avsc'));
  assert.deepEqual(
    schemas.named('Created').map(({ fullName }) => fullName),
    ['acme.orders.Created', 'acme.users.Created'],
  );
  assert.deepEqual([...schemas.names()].sort(), [
    'Device',
    'acme.iot.Device',
    'acme.orders.Created',
    'acme.users.Created',
  ]);
});

test('CAR409: one name defined by two files of a folder is told with both', () => {
  const dir = folder('twice', { 'a.avsc': record('A'), 'b.avsc': record('A') });
  assert.throws(
    () => readSchemaFolder(dir),
    (error: { code: string; what: string; where: { file: string } }) =>
      error.code === 'CAR409' &&
      error.where.file === join(dir, 'b.avsc') &&
      error.what.includes('a.avsc'),
  );
});

test('all that is wrong in all files is told at once, with file and field', () => {
  const dir = folder('wrong', {
    'a.avsc': event('Nowhere'),
    'b.avsc': '[]',
    'c.avsc': event(['null', 'string'], { default: '' }).replace('"Event"', '"Other"'),
    'd.avsc': '7',
  });
  assert.throws(
    () => readSchemaFolder(dir),
    (error: { diagnostics: { code: string; what: string; where: { file: string } }[] }) => {
      const told = error.diagnostics.map(({ code, what, where }) => {
        return `${where.file.slice(dir.length + 1)} ${code} ${what}`;
      });
      assert.deepEqual(told.sort(), [
        'a.avsc CAR421 Event, field "away": type "Nowhere" is not defined.',
        'a.avsc CAR421 Event, field "home": type "Nowhere" is not defined.',
        'b.avsc CAR421 an .avsc file holds one Avro record with a name (or an enum or fixed type).',
        `c.avsc CAR421 Other, field "away": its default is not of the union's first branch: put that branch first.`,
        'd.avsc CAR421 an .avsc file holds one Avro record with a name (or an enum or fixed type).',
      ]);
      return true;
    },
  );
});

test('an event is its producers’ to define', () => {
  const text = (type: string) =>
    JSON.stringify({
      ...{ type: 'record', name: 'Event', namespace: 'reno.events' },
      fields: [{ name: 'id', type }],
    });
  const own = folder('own event', { 'a.avsc': text('string') });
  const users = folder('event of users', { 'mine.avsc': text('int') });
  assert.equal(readSchemaFolder(own, users).fileOf('Event'), join(users, 'mine.avsc'));
});

const replacing: readonly [what: string, fields: readonly object[], why: RegExp | undefined][] = [
  ['the same', [{ name: 'id', type: 'string' }], undefined],
  [
    'a field more, with a default',
    [
      { name: 'id', type: 'string' },
      { name: 'note', type: 'string', default: '' },
    ],
    undefined,
  ],
  ['a field less', [], /cannot be read as it: .*"id"/],
  ['another type', [{ name: 'id', type: 'int' }], /cannot be read as it: field "id"/],
  [
    'a field more, without a default',
    [
      { name: 'id', type: 'string' },
      { name: 'note', type: 'string' },
    ],
    /cannot be made of it: .*"note"/,
  ],
];
for (const [what, fields, why] of replacing) {
  test(`one of Carillon's own replaced by ${what}: ${why === undefined ? 'good' : 'CAR410'}`, () => {
    const text = (of: readonly object[]) =>
      JSON.stringify({ type: 'record', name: 'Device', namespace: 'reno', fields: of });
    const own = folder(`own of ${what}`, { 'a.avsc': text([{ name: 'id', type: 'string' }]) });
    const users = folder(`users of ${what}`, { 'mine.avsc': text(fields) });
    if (why === undefined) {
      assert.equal(readSchemaFolder(own, users).fileOf('Device'), join(users, 'mine.avsc'));
      return;
    }
    assert.throws(
      () => readSchemaFolder(own, users),
      (error: { code: string; message: string; where: { file: string } }) =>
        error.code === 'CAR410' &&
        why.test(error.message) &&
        error.where.file === join(users, 'mine.avsc'),
    );
  });
}

test('a logical type that Avro ignores is warned of, in the file where it stands (CAR424)', () => {
  const field = { name: 'at', type: { type: 'string', logicalType: 'timestamp-millis' } };
  const inner = { type: 'record', name: 'Inner', fields: [field] };
  const outer = { type: 'record', name: 'Outer', fields: [{ name: 'inner', type: 'Inner' }] };
  const dir = folder('logical', {
    'inner.avsc': JSON.stringify(inner),
    'outer.avsc': JSON.stringify(outer),
  });
  const { problems, warnings } = readableSchemas(dir);
  assert.deepEqual(problems, []);
  const told = warnings.map(({ code, level, where, what }) => [code, level, where.file, what]);
  const what = 'Inner, field "at": "timestamp-millis" is for long, and this is string.';
  assert.deepEqual(told, [['CAR424', 'warning', join(dir, 'inner.avsc'), what]]);
});
