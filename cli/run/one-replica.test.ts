import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../../core/error.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { refuseOneReplica } from './one-replica.ts';

const trouble = (code: 'CAR633' | 'CAR631'): Diagnostic => ({
  code,
  level: 'warning',
  what: '2 topics have one replica.',
  where: { at: 'a, b' },
  mend: ERROR_TABLE[code].mend,
});

const rows: readonly (readonly [
  it: string,
  codes: readonly ('CAR633' | 'CAR631')[],
  force: boolean,
  refused: boolean,
])[] = [
  ['nothing is told', [], false, false],
  ['something else is told', ['CAR631'], false, false],
  ['topics have one replica', ['CAR631', 'CAR633'], false, true],
  ['they have, and that is meant', ['CAR633'], true, false],
];

for (const [it, codes, force, refused] of rows) {
  test(`${it}: ${refused ? 'refused' : 'goes on'}`, () => {
    const start = () => refuseOneReplica(codes.map(trouble), force);
    if (!refused) return start();
    const told = { code: 'CAR633', what: '2 topics have one replica.', where: { at: 'a, b' } };
    assert.throws(start, told);
    assert.match(ERROR_TABLE.CAR633.mend, /--force/);
  });
}
