import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readSchemaFolder } from './folder.ts';

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
