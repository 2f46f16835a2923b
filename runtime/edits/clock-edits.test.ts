/** What `plan` says of an edit of a clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { planOf, START_MS } from '../../test/kit/drive.ts';
import { topicSpecs } from '../engine.ts';
import { notePosition } from '../streams/ticker.ts';
import { appliedOf } from './applied.ts';
import { compare, compareFiles } from './comparison.ts';
import { sentenceOf } from './words.ts';

const HOUR = 3_600_000;

interface ClockText {
  readonly cron?: string;
  readonly zone?: string;
  readonly missed?: string;
  readonly id?: string;
}

const text = ({ cron = '0 8 * * *', zone = 'UTC', missed = 'latest', id = 'mo' }: ClockText) =>
  `topology: t
streams:
  mornings:
    id: ${id}
    from: { clock: { cron: "${cron}", zone: ${zone}, missed: ${missed} } }
    to: { topic: mornings, schema: ClockTick }
`;

const NO_CLOCK = `topology: t
streams:
  plans:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange }
    to: { topic: plans, schema: PlanChange }
`;

/** What is said of clocks at three in the afternoon, when the tick of eight was told. */
async function said(was: string, is: string, toldToMs = START_MS + 8 * HOUR): Promise<string[]> {
  const [former, plan] = [planOf(was), planOf(is)];
  const log = new MemoryLog();
  for (const one of [former, plan]) await log.applyTopics(topicSpecs(one, 2));
  await log.positions.set(
    't.clock.mo',
    [0, 1].map((partition) => {
      const metadata = notePosition({ toldToMs, offset: 1 });
      return { topic: 't.mo.ticks', partition, offset: 1, metadata };
    }),
  );
  const nowMs = START_MS + 15 * HOUR;
  const found = await compare(log, appliedOf(former, was), plan, appliedOf(plan, is), nowMs);
  return found.lines.filter((line) => line.of === 'clock').map(sentenceOf);
}

for (const [what, was, is, ...expected] of [
  ['none', text({}), text({}), 'clock "mornings" keeps: 0 8 * * * in UTC'],
  [
    'other times',
    text({}),
    text({ cron: '0 18 * * *' }),
    'clock "mornings" changed: 0 8 * * * in UTC → 0 18 * * * in UTC, from now on; first at 2026-01-01T18:00Z',
  ],
  [
    'another zone, and another rule',
    text({}),
    text({ zone: 'Europe/Berlin', missed: 'all' }),
    'clock "mornings" changed: 0 8 * * * in UTC → 0 8 * * * in Europe/Berlin, from now on; first at 2026-01-02T07:00Z; missed latest → all',
  ],
  [
    'what is done with missed times',
    text({}),
    text({ missed: 'none' }),
    'clock "mornings" changed: 0 8 * * * in UTC, its position stays; missed latest → none',
  ],
  [
    'a clock that is new',
    NO_CLOCK,
    text({}),
    'clock "mornings" starts: 0 8 * * * in UTC, from now on; first at 2026-01-02T08:00Z',
  ],
  ['a clock that ends', text({}), NO_CLOCK, 'clock "mornings" ends: it was 0 8 * * * in UTC'],
  [
    'another id',
    text({}),
    text({ id: 'm2' }),
    'clock "mornings" starts: 0 8 * * * in UTC, from now on; first at 2026-01-02T08:00Z',
    'clock "mornings" ends: it was 0 8 * * * in UTC',
  ],
] as const) {
  test(`plan says of a clock: ${what}`, async () => {
    assert.deepEqual(await said(was, is), expected);
  });
}

test('times of the former plan that were missed so far are counted', async () => {
  const twoDays = START_MS - 40 * HOUR;
  const [line] = await said(text({}), text({ cron: '0 18 * * *' }), twoDays);
  const left = '; 2 planned times of before, missed so far, will not be told';
  assert.ok(line!.endsWith(left), line);
});

test('two files, without a log', () => {
  const of = (file: string) => appliedOf(planOf(file), file);
  const { lines } = compareFiles(of(text({})), of(text({ cron: '@daily' })));
  assert.equal(
    sentenceOf(lines.find((line) => line.of === 'clock')!),
    'clock "mornings" changed: 0 8 * * * in UTC → @daily in UTC, from now on',
  );
});
