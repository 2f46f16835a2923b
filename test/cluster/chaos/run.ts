/**
 * `npm run chaos`: faults at random while streams run on three brokers.
 *
 *   node test/cluster/chaos/run.ts
 *     [--seed N] [--seeds N] [--faults N] [--kind NAME]… [--keep FOLDER]
 */
import { parseArgs } from 'node:util';
import { chaos } from './chaos.ts';
import { FAULTS, type FaultName } from './faults.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** How many seeds, from the first on. */
    seeds: { type: 'string', default: '1' },
    faults: { type: 'string', default: '50' },
    /** A folder for the workers' logs. */
    keep: { type: 'string' },
    kind: { type: 'string', multiple: true },
  },
});

for (const kind of values.kind ?? []) {
  if (!(kind in FAULTS)) throw new Error(`--kind ${kind}: ${Object.keys(FAULTS).join(', ')}`);
}
for (let n = 0; n < Number(values.seeds); n++) {
  const seed = Number(values.seed) + n;
  process.stdout.write(`seed ${seed}\n`);
  const kinds = values.kind === undefined ? {} : { kinds: values.kind as FaultName[] };
  const { verdict, troubles, standstills } = await chaos({
    seed,
    faults: Number(values.faults),
    ...kinds,
    ...(values.keep === undefined ? {} : { keep: values.keep }),
  });
  const slowest = standstills.toSorted((a, b) => b.ms - a.ms)[0];
  process.stdout.write(
    `seed ${seed}: ${verdict.found} of ${verdict.expected} notifications, ` +
      `${standstills.length} faults, longest standstill ${Math.round(slowest?.ms ?? 0)} ms ` +
      `(${slowest?.fault})\n`,
  );
  for (const trouble of [...troubles, ...verdict.faults]) process.stdout.write(`  ${trouble}\n`);
  if (troubles.length + verdict.faults.length > 0) process.exitCode = 1;
}
