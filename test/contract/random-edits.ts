/**
 * A random sequence of edits and events, by a seed: at the end every event is told once by each
 * stream that was there, or counted with its reason. Now and then a start dies on its way, as a
 * process would, and the next one goes on.
 */
import assert from 'node:assert/strict';
import type { EditableLog } from '../../core/log.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { lanesWith } from '../kit/drive.ts';
import { EditedPipeline, EVENTS, type StreamText, streamText } from '../kit/edited-pipeline.ts';
import { CRASH, type FailingLog, failing } from '../kit/failing-log.ts';
import { Chance } from '../sim/chance.ts';

const IDS = ['a', 'b', 'c'];
const TOPICS = [EVENTS, 'events.plan-change-2'];
const PRIORITIES = ['critical', 'high', 'normal', 'low'];
const MEMBERS = ['m-1', 'm-2', 'm-3'];
const PLANS = ['basic', 'premium', 'family'];
const MINUTES_10 = 600_000;
const DAY = 24 * 3_600_000;

/** What a stream should tell: events that it has met, and those of which it is known. */
interface Met {
  readonly events: Set<string>;
}

export interface RandomRun {
  readonly seed: number;
  readonly actions: number;
  readonly partitions: number;
}

/** Rejects with what does not hold. Gives how often what was done, so that runs can be judged. */
export async function randomEdits(
  log: EditableLog,
  { seed, actions, partitions }: RandomRun,
): Promise<ReadonlyMap<string, number>> {
  const run = new Run(log, new Chance(seed), partitions);
  try {
    await run.begin();
    for (let n = 0; n < actions; n++) await run.act();
    return await run.end();
  } finally {
    await run.stop();
  }
}

class Run {
  readonly #chance: Chance;
  readonly #log: FailingLog;
  readonly #pipeline: EditedPipeline;
  readonly #met = new Map<string, Met>(IDS.map((id) => [id, { events: new Set() }]));
  readonly #done = new Map<string, number>();
  #streams: readonly StreamText[] = [];
  #isRunning = false;
  #events = 0;

  constructor(log: EditableLog, chance: Chance, partitions: number) {
    this.#chance = chance;
    this.#log = failing(log);
    this.#pipeline = new EditedPipeline(this.#log.log, { partitions });
  }

  async begin(): Promise<void> {
    const all = IDS.flatMap((id) => TOPICS.map((topic, n) => ({ id: `${id}${n}`, topic })));
    // Both topics and all lanes are there from the start.
    await this.#pipeline.prepare(lanesWith(all.map(streamText).join('')));
    await this.#pipeline.devices(MEMBERS);
    await this.#start(this.#edited());
  }

  async act(): Promise<void> {
    const what = this.#chance.weighted({ post: 6, advance: 2, edit: 3, stop: 2 });
    if (what === 'post') await this.#post();
    if (what === 'advance') await this.#pipeline.advance(this.#chance.pick([1_000, MINUTES_10]));
    if (what === 'stop') await this.stop();
    if (what === 'edit') await this.#start(this.#edited());
  }

  async end(): Promise<ReadonlyMap<string, number>> {
    if (!this.#isRunning) await this.#start(this.#streams);
    await this.#pipeline.advance(DAY);
    await this.#pipeline.advance(DAY);
    await this.stop();
    const told = await this.#pipeline.told();
    for (const [id, { events }] of this.#met) {
      const mine = told.filter((one) => one.startsWith(`${id} `)).map((one) => one.split(' ')[2]!);
      assert.equal(new Set(mine).size, mine.length, `${id} tells no event twice`);
      const others = mine.filter((event) => !events.has(event));
      assert.deepEqual(others, [], `${id} tells nothing that was not its own`);
      const steps = ['source', 'dedup', 'wait', 'coalesce'];
      const counted = steps.map((step) => this.#pipeline.dropped(id, step, 'step_removed'));
      const dropped = counted.reduce((sum, n) => sum + n, 0);
      assert.equal(mine.length + dropped, events.size, `${id}: told, or counted as step_removed`);
    }
    await this.#pipeline.end();
    return this.#done;
  }

  async #post(): Promise<void> {
    const topic = this.#chance.pick(TOPICS);
    const event = `e${++this.#events}`;
    for (const { id, topic: of } of this.#streams) {
      if (of === topic) this.#met.get(id)!.events.add(event);
    }
    const more = { planTo: this.#chance.pick(PLANS) };
    await this.#pipeline.post([event], { topic, member: this.#chance.pick(MEMBERS), more });
  }

  async stop(): Promise<void> {
    await this.#pipeline.stop();
    this.#isRunning = false;
  }

  async #start(streams: readonly StreamText[]): Promise<void> {
    await this.stop();
    const text = lanesWith(streams.map(streamText).join(''));
    const losing = this.#chance.pick<Losing>(['drain', 'drop']);
    this.#log.failAfter = this.#chance.is(0.5) ? this.#chance.below(6) : Number.POSITIVE_INFINITY;
    for (const how of ['refuse', losing, losing] as const) {
      try {
        await this.#pipeline.start(text, how);
        this.#log.failAfter = Number.POSITIVE_INFINITY;
        this.#count(how);
        this.#isRunning = true;
        this.#streams = streams;
        return;
      } catch (error) {
        const isCrash = String(error).includes(CRASH);
        if (!isCrash && how !== 'refuse') throw error;
        this.#count(isCrash ? 'crash' : 'refused');
        this.#log.failAfter = Number.POSITIVE_INFINITY;
      }
    }
    throw new Error('it does not start');
  }

  /** What runs, with each stream changed, taken out or put in by chance; one at least is left. */
  #edited(): readonly StreamText[] {
    const chance = this.#chance;
    for (;;) {
      const streams = IDS.flatMap((id) => {
        const now = this.#streams.find((stream) => stream.id === id);
        if (now !== undefined && chance.is(0.4)) return [now];
        return chance.is(0.25) ? [] : [this.#stream(id)];
      });
      if (streams.length > 0) return streams;
    }
  }

  #stream(id: string): StreamText {
    const chance = this.#chance;
    const steps: string[] = [];
    if (chance.is(0.5)) steps.push('dedup: { by: [value.eventId], within: 1h }');
    const wait = chance.pick(['10m', '1h']);
    const by = chance.pick(['value.eventId', 'value.memberId, value.eventId']);
    const coalesce = `coalesce: { by: [${by}], quiet: ${wait}, at_most: 2h }`;
    if (chance.is(0.5)) steps.push(coalesce);
    if (chance.is(0.3)) steps.push(`name: wait\n        ${coalesce}`);
    return { id, topic: chance.pick(TOPICS), priority: this.#rule(), steps };
  }

  #rule(): string {
    const chance = this.#chance;
    const as = chance.pick(PRIORITIES);
    const unless = PLANS.filter(() => chance.is(0.25)).map((plan) => {
      return `{ when: "value.planTo == '${plan}'", as: ${chance.pick(PRIORITIES)} }`;
    });
    return unless.length === 0 ? `{ as: ${as} }` : `{ as: ${as}, unless: [${unless.join(', ')}] }`;
  }

  #count(what: string): void {
    this.#done.set(what, (this.#done.get(what) ?? 0) + 1);
  }
}
