/** How long a command takes from nothing: wall time of whole processes, beside Node alone. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, printFigure } from './figure.ts';

const ROUNDS = 7;
const root = new URL('..', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'carillon-start-up-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const STREAMS = 200;

/** As many use cases as one file may have to bear, each with steps and an expression of its own. */
function manyStreams(): string {
  const priorities = ['critical', 'high', 'normal', 'low'];
  const streams = Array.from(
    { length: STREAMS },
    (_, n) => `  s-${n}:
    id: s${n}
    priority: { as: ${priorities[n % priorities.length]} }
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 1h }
      - dedup: { by: [value.eventId], within: 1h, keys_max: 1_000 }
      - filter: { where: 'value.planTo == "p${n}" && value.streamsMax > ${n % 7}' }
      - fan_out: { table: devices, by: value.memberId, devices_max: 64, on_excess: drop_least_recent }
    to: { lane: notifications }
`,
  );
  return `topology: many
tables: { devices: { topic: tables.devices, schema: MemberDevices, key: memberId } }
lanes:
  notifications:
    topic: notifications.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    priorities: [${priorities.join(', ')}]
    transports: [inbox]
streams:
${streams.join('')}sinks:
  inbox:
    from: { lane: notifications, transport: all }
    to: { type: inbox, ttl: 7d, in_flight_max: 128, timeout: 1s }
`;
}

const MANY = join(folder, 'many.yaml');
writeFileSync(MANY, manyStreams());

const COMMANDS: readonly { bench: string; words: readonly string[]; aimMs: number }[] = [
  { bench: 'start-up/version', words: ['cli/carillon.ts', '--version'], aimMs: 150 },
  { bench: 'start-up/check', words: ['cli/carillon.ts', 'check'], aimMs: 500 },
  {
    bench: `start-up/check-${STREAMS}-streams`,
    words: ['cli/carillon.ts', 'check', MANY],
    aimMs: 2_000,
  },
];

function wallMs(words: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: exit ${status}\n${stderr}`);
  return performance.now() - started;
}

for (const { bench, words, aimMs } of COMMANDS) {
  const own: number[] = [];
  const floor: number[] = [];
  wallMs(words);
  for (let round = 0; round < ROUNDS; round++) {
    floor.push(wallMs(['-e', '0']));
    own.push(wallMs(words));
  }
  printFigure({
    bench,
    value: median(own),
    unit: 'ms wall',
    floor: median(floor),
    beside: 'node -e 0',
    aim: `below ${aimMs} ms`,
    met: median(own) < aimMs,
  });
}
