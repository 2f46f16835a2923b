import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { rollAtHangUps } from './rolling.ts';

test('at a hang-up the files are looked at first, and what cannot be run changes nothing', async () => {
  const did: string[] = [];
  const checks = [
    async () => undefined,
    async () => {
      throw new CarillonError('CAR902', 'carillon.yaml is not there.');
    },
    async () => undefined,
  ];
  let last = () => {};
  const ended = new Promise<void>((resolve) => {
    last = resolve;
  });
  let hangUps = 0;
  void rollAtHangUps(
    { roll: async () => void did.push('rolled') },
    {
      next: async () => {
        if (++hangUps <= checks.length) return 'SIGHUP';
        last();
        return await new Promise<never>(() => {});
      },
    },
    (sentence, facts) => did.push(`${sentence} ${facts.error instanceof CarillonError}`),
    async () => await checks[hangUps - 1]!(),
  );
  await ended;
  const anew = 'SIGHUP: the workers are started anew, one after the other. false';
  const refused = 'SIGHUP: what stands in the files is not taken; the workers run as before. true';
  const done = 'SIGHUP: done. false';
  assert.deepEqual(did, [anew, 'rolled', done, refused, anew, 'rolled', done]);
});
