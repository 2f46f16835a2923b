/** Clocks and each_row: each planned time is told once in each partition, with the rows of then. */
import { partitionOfText } from '../../../core/partition.ts';
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import { type Happening, type Model, type Outputs, record, type Way, type World } from './world.ts';

const STEPS = 60;
const KEYS = 9;
/** More than a piece of a walk in one partition. */
const MANY_ROWS = 600;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const ROW = record('Row', { id: 'string', name: 'string', wants: 'boolean' });
const GREETING = record('Greeting', { name: 'string', plannedAt: 'long' });

const TOPOLOGY = `topology: clocks
tables:
  rows: { topic: rows, schema: Row, key: id }
streams:
  greet:
    id: gr
    from: { clock: { cron: "*/2 * * * *", zone: UTC, missed: all } }
    steps:
      - each_row: { table: rows, as: row }
      - filter: { where: value.row.wants }
      - map: { fields: { name: value.row.name, plannedAt: value.plannedAt } }
    to: { topic: greetings, schema: Greeting }
  tick:
    id: ti
    from: { clock: { cron: "* * * * *", zone: UTC, missed: all } }
    to: { topic: ticks, schema: ClockTick }
  plain:
    id: pl
    from: { topic: plain, schema: Row }
    to: { topic: passed, schema: Row }
`;

interface Row {
  readonly name: string;
  readonly wants: boolean;
}

class Clocks implements Model {
  readonly lines: string[] = [];
  readonly #partitions: number;
  readonly #rows = new Map<string, Row>();
  #nowMs = 0;

  constructor({ partitions }: Way) {
    this.#partitions = partitions;
  }

  act(happening: Happening): void {
    if (happening.kind === 'feed' && happening.topic === 'rows') {
      const { key, value } = happening;
      if (value === null) this.#rows.delete(key);
      else this.#rows.set(key, value as unknown as Row);
    } else if (happening.kind === 'feed') this.lines.push(`plain ${happening.key}`);
    if (happening.kind !== 'advance') return;
    const untilMs = this.#nowMs + happening.ms;
    for (let minute = Math.floor(this.#nowMs / MINUTE_MS) + 1; ; minute++) {
      if (minute * MINUTE_MS > untilMs) break;
      this.#tick(minute);
    }
    this.#nowMs = untilMs;
  }

  #tick(minute: number): void {
    for (let p = 0; p < this.#partitions; p++) this.lines.push(`tick ${minute}/${p}`);
    if (minute % 2 !== 0) return;
    for (const [key, { name, wants }] of this.#rows) {
      if (!wants) continue;
      this.lines.push(
        `greeting ${minute} ${key} ${name} in ${partitionOfText(key, this.#partitions)}`,
      );
    }
  }
}

function told(driven: Outputs): string[] {
  const minuteOf = (plannedAt: number) => (plannedAt - START_MS) / MINUTE_MS;
  const ticks = driven.of('ticks').map(({ value }) => {
    const { plannedAt, partition } = value as { plannedAt: number; partition: number };
    return `tick ${minuteOf(plannedAt)}/${partition}`;
  });
  const greetings = driven.of('greetings').map(({ key, value, partition }) => {
    const { name, plannedAt } = value as { name: string; plannedAt: number };
    return `greeting ${minuteOf(plannedAt)} ${key} ${name} in ${partition}`;
  });
  return [...ticks, ...greetings, ...driven.of('passed').map(({ key }) => `plain ${key}`)];
}

function draw(chance: Chance): Happening[] {
  const happenings: Happening[] = [];
  const put = (key: string, name: string, wants: boolean) =>
    happenings.push({
      ...{ kind: 'feed', topic: 'rows', key, at: 0 },
      value: { id: key, name, wants },
    });
  if (chance.is(0.15)) for (let n = 0; n < MANY_ROWS; n++) put(`many-${n}`, 'one of many', true);
  for (let n = 0; n < KEYS; n++) put(`k-${n}`, `row ${n}`, chance.is(0.8));
  // Never while a table is walked.
  happenings.push({ kind: 'commit' }, { kind: 'advance', ms: SECOND_MS / 2 });
  for (let n = 0; n < STEPS; n++) {
    const key = `k-${chance.below(KEYS)}`;
    const what = chance.weighted({ advance: 5, plain: 4, row: 2, gone: 1 });
    if (what === 'advance') {
      happenings.push({
        kind: 'advance',
        ms: SECOND_MS * (1 + chance.below(chance.is(0.1) ? 400 : 60)),
      });
      continue;
    }
    if (what === 'plain') {
      // It is not committed at once, and so neither are the ticks that come then.
      const value = { id: key, name: '', wants: true };
      happenings.push({ kind: 'feed', topic: 'plain', key: `p-${n}`, at: n, value });
      continue;
    }
    // What was told before stays so: a tick that is told again after a crash sees newer rows. And a
    // walk, which begins when its tick is committed, is over.
    happenings.push({ kind: 'commit' }, { kind: 'advance', ms: SECOND_MS }, { kind: 'commit' });
    if (what === 'row') put(key, `row ${n}`, chance.is(0.8));
    else happenings.push({ kind: 'feed', topic: 'rows', key, at: 0, value: null });
    happenings.push({ kind: 'commit' });
  }
  return happenings;
}

export const clocks: World = {
  name: 'clocks',
  topology: TOPOLOGY,
  schemas: [ROW, GREETING],
  stores: ['tables/rows'],
  draw,
  model: (way) => new Clocks(way),
  told,
};
