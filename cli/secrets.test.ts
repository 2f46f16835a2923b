import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CarillonError } from '../core/error.ts';
import type { Deployment } from './deployment.ts';
import { secretsOf } from './secrets.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-secrets-'));
after(() => rmSync(root, { recursive: true }));

let folders = 0;
function deployment(kept?: string): Deployment {
  const dataFolder = join(root, String(++folders));
  if (kept !== undefined) {
    mkdirSync(dataFolder);
    writeFileSync(join(dataFolder, 'secrets.json'), kept);
  }
  const auth = { secret: null, internalToken: null };
  return { dataFolder, auth, log: { kind: 'embedded' } } as unknown as Deployment;
}

test('secrets are made once, for their owner alone, and found again', () => {
  const fresh = deployment();
  const made = secretsOf(fresh);
  assert.ok(made.secret.length >= 32 && made.internalToken.length >= 32);
  assert.deepEqual(secretsOf(fresh), made);
  assert.deepEqual(readdirSync(fresh.dataFolder), ['secrets.json']);
  assert.equal(statSync(join(fresh.dataFolder, 'secrets.json')).mode & 0o777, 0o600);
});

test('CAR601: a data folder that cannot be made', () => {
  writeFileSync(join(root, 'file'), '');
  for (const dataFolder of [join(root, 'file'), join(root, 'file', 'below'), `${root}/\0`]) {
    assert.throws(() => secretsOf({ ...deployment(), dataFolder }), { code: 'CAR601' });
  }
});

const broken: readonly [string, string][] = [
  ['an empty file', ''],
  ['half a file', '{"secret":"hush-hush-hush'],
  ['text', 'hush'],
  ['null', 'null'],
  ['one secret alone', '{"secret":"hush-hush-hush"}'],
  ['a secret that is no text', '{"secret":5,"internalToken":"hush"}'],
];
for (const [name, kept] of broken) {
  test(`CAR906: ${name}; what stands in it is not told`, () => {
    assert.throws(
      () => secretsOf(deployment(kept)),
      (error: unknown) =>
        error instanceof CarillonError &&
        error.code === 'CAR906' &&
        !`${error.message}${error.mend}${error.cause ?? ''}`.includes('hush'),
    );
  });
}
