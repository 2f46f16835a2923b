import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteStreamPositions, readStreamPositions } from './stream-positions.ts';

const NOTES: readonly (readonly [{ readonly [id: string]: number }, number, string])[] = [
  [{}, 5, ''],
  [{ a: 5 }, 5, ''],
  [{ a: 4, b: 5 }, 5, ''],
  [{ a: 6, b: 5 }, 5, 'at:a=6'],
  [{ a: 6, 'b-2': 70 }, 0, 'at:a=6,b-2=70'],
];

for (const [positions, committed, note] of NOTES) {
  test(`${JSON.stringify(positions)} at ${committed} is noted as "${note}"`, () => {
    assert.equal(noteStreamPositions(new Map(Object.entries(positions)), committed), note);
    const beyond = Object.entries(positions).filter(([, offset]) => offset > committed);
    assert.deepEqual([...readStreamPositions(note)], beyond);
  });
}

for (const metadata of [
  '',
  'x',
  'at:',
  'at:a',
  'at:=5',
  'at:a=',
  'at:a=-1',
  'at:a=1.5',
  'set:1-2',
]) {
  test(`"${metadata}" notes none`, () => {
    assert.deepEqual([...readStreamPositions(metadata)], []);
  });
}
