/**
 * `npm run bench:devices`: what devices cost, on a gateway whole, on bare `ws`, and on Zuul Push
 * where Java and Maven are; each in the same run, server on one core, devices and pusher on the
 * other. Each line is told as it is measured, and all stand in a table at the end.
 *
 *   npm run bench:devices -- [--connections 15000] [--idle 20] [--seconds 4] [--rate 2000]
 *                            [--seed 1] [--rounds 1] [--only gateway,ws,zuul,push] [--anywhere]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { aimOf, cellOf, LINES, type Line, table, told } from './devices/lines.ts';
import { pushLines } from './devices/push-lines.ts';
import { canPin, measure } from './devices/round.ts';
import type { Kind } from './devices/talk.ts';
import { median } from './figure.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '15000' },
    idle: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '4' },
    rate: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: 'gateway,ws,zuul,push' },
    anywhere: { type: 'boolean', default: false },
  },
});
const CONNECTIONS = Number(values.connections);

/** Said, if Zuul Push is left out and not by wish. */
function kindsWanted(): Kind[] {
  const only = values.only.split(',');
  const wanted = (['gateway', 'ws', 'zuul'] as const).filter((kind) => only.includes(kind));
  const missing = wanted.includes('zuul')
    ? ['java', 'mvn', 'jcmd'].find((name) => spawnSync(name, ['-h']).error !== undefined)
    : undefined;
  if (missing === undefined) return wanted;
  process.stderr.write(`Zuul Push is left out: ${missing} is not here.\n`);
  return wanted.filter((kind) => kind !== 'zuul');
}

async function main(): Promise<void> {
  const kinds = kindsWanted();
  const all = new Map<string, number[]>();
  const of = (kind: Kind, line: Line) => all.get(`${kind} ${line}`);
  let frameChars = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    // The gateway first: the others send frames of its size.
    for (const kind of kinds) {
      const chars = await measure(kind, {
        connections: CONNECTIONS,
        idleSeconds: Number(values.idle),
        pushSeconds: Number(values.seconds),
        perSecond: Number(values.rate),
        seed: Number(values.seed),
        frameChars: frameChars || FRAME_CHARS,
        pinned: canPin && !values.anywhere,
        told(line, value) {
          process.stdout.write(told(kind, line, value));
          all.set(`${kind} ${line}`, [...(of(kind, line) ?? []), value]);
        },
      });
      frameChars ||= chars;
    }
  }
  const middle = (kind: Kind, line: Line) => {
    const measured = of(kind, line);
    return measured === undefined ? undefined : median(measured);
  };
  const rows = (Object.keys(LINES) as Line[]).map((line) => [
    LINES[line].what,
    ...kinds.map((kind) => cellOf(line, middle(kind, line))),
    aimOf(line, CONNECTIONS),
  ]);
  const rest = `frames of ${frameChars} characters, seed ${values.seed}, Node ${process.version}`;
  if (kinds.length > 0) process.stdout.write(`\n${CONNECTIONS} connections, ${rest}\n\n`);
  if (kinds.length > 0) process.stdout.write(table([['', ...kinds, 'aim'], ...rows]));
  if (!values.only.split(',').includes('push')) return;
  process.stdout.write('\n');
  for await (const line of pushLines()) process.stdout.write(line);
}

/** Of the gateway's frames, if it does not run. */
const FRAME_CHARS = 330;

await main();
