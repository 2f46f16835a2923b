/**
 * Applies a topology to what the log has of its former version, before any of its groups is joined:
 * positions and state go along with their streams, what would be lost is refused, let go or dropped
 * as the person says. Every step can be done again: a process that dies on the way leaves the
 * stored topology as it was, and the next start begins anew (docs/decisions/edits.md).
 */
import { BatchBuilder } from '../../core/batch-builder.ts';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import { newStepCounts } from '../../core/verdict.ts';
import type { StepFlow } from '../streams/streams-task.ts';
import { type Applied, appliedOf, appliedTopic, encodeApplied, isSameApplied } from './applied.ts';
import type { StreamEdit } from './compare.ts';
import { type Comparison, compareWithStored } from './comparison.ts';
import { drain, type Former } from './drain.ts';
import { drainLanes } from './drain-lanes.ts';
import { goneOf, noteDropping, readDropping } from './dropping.ts';
import {
  errorOf,
  isApplied,
  type JudgedParts,
  judgeTopology,
  type Losing,
  refuse,
} from './judge.ts';
import { emptyFormer, moveState } from './move-state.ts';
import { drained, type Loss, type Release, type Stakes } from './stakes.ts';
import { emptyTables } from './table-edits.ts';
import { sentenceOf } from './words.ts';

export interface ApplyParts extends JudgedParts {
  readonly partitions: number;
  /** Compiles and opens a former version. Throws what is wrong with its text now. */
  former(text: string): Promise<Former>;
  /** What is done, in words. */
  say(sentence: string, facts: { readonly [fact: string]: unknown }, level?: 'info' | 'warn'): void;
}

const REASON = 'step_removed';
/** A drain is begun again when something was held anew meanwhile. */
const DRAINS_MAX = 3;
/** Joining a group and fencing its tasks: beyond a session that has to lapse first. */
const TAKEN_MS = 60_000;

/**
 * Gives what was counted on the way, to be shown with the counts of the process. Rejects with
 * CarillonErrors (CAR810 to CAR815) for what would be lost, CAR653 while others are in the groups.
 */
export async function applyTopology(parts: ApplyParts): Promise<readonly StepFlow[]> {
  const { log, plan, text } = parts;
  const is = appliedOf(plan, text);
  const isDone = () => isApplied(log, is);
  // Refused before anybody waits for a turn.
  if (await judgeTopology(parts)) return [];
  let counted: readonly StepFlow[] = [];
  await log.positions.alone(appliedTopic(plan.topology).name, isDone, async (stillAlone) => {
    if (await isDone()) return;
    counted = await new Applying(parts, is, stillAlone).run();
  });
  return counted;
}

class Applying {
  readonly #parts: ApplyParts;
  readonly #is: Applied;
  readonly #stillAlone: () => void;
  readonly #counted: StepFlow[] = [];

  constructor(parts: ApplyParts, is: Applied, stillAlone: () => void) {
    this.#parts = parts;
    this.#is = is;
    this.#stillAlone = stillAlone;
  }

  async run(): Promise<readonly StepFlow[]> {
    const { losing } = this.#parts;
    await this.#countGone();
    let found = await this.#compare();
    if (isSameApplied(found.was, this.#is)) return this.#counted;
    refuse(this.#parts.losing, found);
    await this.#mustBeEmpty(found);
    const { losses, releases, aligns } = found.stakes;
    const drains = losing === 'drain' && losses.length > 0 ? drained(found.streams) : [];
    const reads = losing === 'drain' ? unreadGroups(found) : [];
    const groups = [...new Set([...aligns, ...reads])];
    const all = [...releases, ...drains];
    if (groups.length > 0 || all.length > 0) found = await this.#drainAll(found, groups, all);
    if (await this.#settle(found)) found = await this.#compare();
    await this.#drainLanes(found);
    if (losing === 'drop') {
      this.#countDropped(found.stakes);
      await this.#noteDropped(found);
    }
    await this.#move(found);
    this.#tell(found);
    return this.#counted;
  }

  /** Gives what there is to compare then. */
  async #drainAll(
    before: Comparison,
    groups: readonly string[],
    releases: readonly Release[],
  ): Promise<Comparison> {
    const reading = new Set(groups);
    for (let tries = DRAINS_MAX; ; tries--) {
      await this.#drain(before.was!, [...reading], releases);
      const found = await this.#compare();
      const left = stillLeft(this.#parts.losing, found, releases);
      // A group that read on may have left another instance of a stream behind.
      const behind = found.stakes.aligns;
      for (const group of behind) reading.add(group);
      // A timer before them may have brought them something at the last moment.
      if ((left.length > 0 || behind.length > 0) && tries > 1) continue;
      if (left.length > 0) throw new CarillonErrors(left.map(errorOf));
      if (behind.length > 0) throw notAligned(behind);
      // The former version has gone on for a while: what it has come to hold meanwhile counts too.
      refuse(this.#parts.losing, found);
      return found;
    }
  }

  #compare(): Promise<Comparison> {
    const { log, plan, clock } = this.#parts;
    return compareWithStored(log, plan, this.#is, clock.now());
  }

  async #move({ was, streams, groups, tables }: Comparison): Promise<void> {
    const { log, clock, say } = this.#parts;
    this.#stillAlone();
    // Where nothing is stored of what ran, its state stands under the names that it has.
    if (was !== null) await moveState(log, streams, clock.now());
    await emptyTables(log, tables, clock.now());
    for (const { group, set } of groups) await log.positions.set(group, set);
    this.#stillAlone();
    await this.#store();
    if ((await readDropping(log, this.#parts.plan.topology)).length > 0) {
      await noteDropping(log, this.#parts.plan.topology, [], clock.now());
    }
    if (was === null) return;
    // It stands already; what is left behind takes room, and is never read again.
    await emptyFormer(log, streams, clock.now()).catch((error: unknown) => {
      say('Changelogs that nobody has any more could not be emptied.', { error: String(error) });
    });
  }

  /** What a process that died on its way has dropped already. */
  async #countGone(): Promise<void> {
    const { log, plan, clock } = this.#parts;
    const noted = await readDropping(log, plan.topology);
    if (noted.length === 0) return;
    for (const { stream, step, count } of await goneOf(log, noted)) {
      this.#sayDropped(`${count} events of ${stream}/${step}, by a process that ended.`, count);
      this.#countAs(stream, step, count, true);
    }
    await noteDropping(log, plan.topology, [], clock.now());
  }

  async #noteDropped({ streams, stakes }: Comparison): Promise<void> {
    const { log, plan, clock } = this.#parts;
    const resets = new Set(
      streams.flatMap(({ stores }) =>
        stores.filter(({ how }) => how === 'resets').map((s) => s.from),
      ),
    );
    const dropping = stakes.losses
      .filter(({ unit, changelog }) => unit === 'held' && resets.has(changelog))
      .map(({ of: stream, step, changelog, before, count }) => {
        const own = before === undefined ? {} : { before };
        return { stream, step, changelog, ...own, count };
      });
    if (dropping.length > 0) await noteDropping(log, plan.topology, dropping, clock.now());
  }

  /** Whoever is in a group whose position or state moves would go on with the old one. */
  async #mustBeEmpty(found: Comparison): Promise<void> {
    for (const group of touchedGroups(found)) {
      const members = await this.#parts.log.positions.members(group);
      if (members === 0) continue;
      const what = `Group ${group} has ${members} member(s), and the edit moves what is theirs.`;
      throw new CarillonError('CAR653', what, { where: { at: group }, retryable: true });
    }
  }

  async #drain(was: Applied, groups: readonly string[], releases: readonly Release[]) {
    const { log, partitions, clock, say } = this.#parts;
    const former = await this.#former(was);
    const facts = { groups, releases: releases.map(({ stream, step }) => `${stream}/${step}`) };
    say('The former topology is brought to its end.', facts);
    // All its groups first read up to one point, else what they let go could be told out of order.
    const rest = releases.map(({ group }) => group).filter((group) => !groups.includes(group));
    if (groups.length > 0) {
      const own = releases.filter(({ group }) => groups.includes(group));
      const parts = { log, former, partitions, clock, groups, releases: own, reads: true };
      this.#counted.push(...(await drain(parts)));
    }
    if (rest.length === 0) return;
    const others = releases.filter(({ group }) => rest.includes(group));
    const parts = { log, former, partitions, clock, groups: rest, releases: others, reads: false };
    this.#counted.push(...(await drain(parts)));
  }

  /** After its streams have come to their ends: what they let go lies in these lanes, too. */
  async #drainLanes({ was, stakes }: Comparison): Promise<void> {
    const { log, losing, say } = this.#parts;
    if (stakes.lanes.length === 0 || losing === 'drop') return;
    const names = stakes.lanes.map(({ edit }) => `${edit.sink}/${edit.priority}`);
    say('Lanes that no sink reads any more are delivered first.', { lanes: names });
    await drainLanes(log, await this.#former(was!), stakes.lanes);
  }

  async #former(was: Applied): Promise<Former> {
    try {
      return await this.#parts.former(was.text);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const what = `The former version of topology "${was.topology}" cannot be run any more: ${why}`;
      throw new CarillonError('CAR814', what, { cause });
    }
  }

  /**
   * Takes every task of the groups once: what a former owner has under way has ended then, and what
   * is read of its positions and rows is final (KIP-447, KAFKA-10167).
   */
  async #settle({ was, streams, groups }: Comparison): Promise<boolean> {
    if (was === null) return false;
    const former = new Set([
      ...was.streams.flatMap((stream) => stream.instances.map((i) => i.group)),
      ...(was.clocks ?? []).map(({ group }) => group),
    ]);
    const concerned = new Set([
      ...streams.filter(isMoving).flatMap((edit) => edit.was?.instances.map((i) => i.group) ?? []),
      ...groups.map(({ group }) => group),
    ]);
    const taken = [...concerned].filter((group) => former.has(group));
    for (const group of taken) await this.#takeOnce(group, was);
    return taken.length > 0;
  }

  async #takeOnce(group: string, was: Applied): Promise<void> {
    const { log, partitions } = this.#parts;
    const inputs = new Set<string>();
    for (const { topic, instances } of was.streams) {
      if (topic !== '' && instances.some((one) => one.group === group)) inputs.add(topic);
    }
    for (const clock of was.clocks ?? []) if (clock.group === group) inputs.add(clock.topic);
    const ready = new Set<number>();
    const all = Promise.withResolvers<void>();
    const spec = {
      group,
      partitions,
      inputs: [...inputs],
      tables: [],
      stores: [],
      transactional: true,
      topologyHash: `edit ${this.#is.hash}`,
    };
    const opened = await log.openGroup(spec, {
      open: (port) => ({
        restore() {},
        table() {},
        ready() {
          if (ready.add(port.partition).size === partitions) all.resolve();
        },
        wake() {},
        async close() {},
      }),
    });
    try {
      await withinMs(all.promise, TAKEN_MS, group);
    } finally {
      await opened.close();
    }
  }

  #countDropped({ losses, lanes }: Stakes): void {
    for (const { of: stream, step, count, unit, what } of losses) {
      this.#sayDropped(what, count);
      if (unit === 'held' || unit === 'unread') this.#countAs(stream, step, count, unit === 'held');
    }
    for (const { edit, count } of lanes) {
      const what = `${count} notifications that sink "${edit.sink}" (${edit.priority}) has not delivered.`;
      this.#sayDropped(what, count);
      this.#countAs(edit.sink, 'lane', count, false);
    }
  }

  #sayDropped(dropped: string, count: number): void {
    const sentence = 'An edit drops what its former version has left.';
    this.#parts.say(sentence, count === 0 ? { dropped } : { dropped, count }, 'warn');
  }

  #countAs(stream: string, step: string, count: number, isHeld: boolean): void {
    const counts = newStepCounts();
    if (isHeld) counts.restored = count;
    else counts.in = count;
    counts.dropped.set(REASON, count);
    this.#counted.push({ stream, priority: null, step, counts });
  }

  async #store(): Promise<void> {
    const { log, clock, plan } = this.#parts;
    const builder = new BatchBuilder(appliedTopic(plan.topology).name, 0);
    builder.append(clock.now(), plan.topology, encodeApplied(this.#is));
    const producer = await log.producer();
    try {
      await producer.send([builder.finish()]);
    } finally {
      await producer.close();
    }
  }

  #tell({ was, lines }: Comparison): void {
    if (was === null) return;
    for (const line of lines) {
      if (line.how === 'keeps' || line.of === 'topic') continue;
      this.#parts.say('The topology has changed.', { edit: sentenceOf(line) });
    }
  }
}

function notAligned(groups: readonly string[]): CarillonError {
  const what = `Groups ${groups.join(', ')} do not come to one position: events are coming all the while.`;
  return new CarillonError('CAR816', what, { where: { at: groups[0]! }, retryable: true });
}

/** What was let go of before a step that changes the key, too, and nobody has read since. */
function stillLeft(
  losing: Losing,
  { stakes }: Comparison,
  asked: readonly Release[],
): readonly Loss[] {
  const changelogs = new Set(asked.map(({ changelog }) => changelog));
  return stakes.losses.filter(
    ({ code, changelog, unit }) =>
      (losing === 'drain' && code === 'CAR825') || (unit === 'held' && changelogs.has(changelog)),
  );
}

const isMoving = ({ how, stores }: StreamEdit) =>
  how !== 'keeps' || stores.some((store) => store.how !== 'keeps');

async function withinMs(promise: Promise<void>, ms: number, group: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const what = `The tasks of group ${group} are not given to this process within ${ms / 1000} s.`;
    timer = setTimeout(() => reject(new CarillonError('CAR816', what)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Groups whose positions or rows this edit reads or writes. */
function touchedGroups({ streams, groups, stakes, was }: Comparison): ReadonlySet<string> {
  const touched = new Set(groups.map(({ group }) => group));
  if (was === null) return touched;
  for (const { edit } of stakes.lanes) {
    // Who still writes to a lane that ends would leave something in it.
    touched.add(edit.group);
    for (const { instances } of was.streams) for (const { group } of instances) touched.add(group);
  }
  for (const { was: before, is } of streams.filter(isMoving)) {
    for (const { group } of [...(before?.instances ?? []), ...(is?.instances ?? [])]) {
      touched.add(group);
    }
  }
  return touched;
}

/** Groups of the former topology that have something to read before they may end. */
function unreadGroups({ streams }: Comparison): readonly string[] {
  return streams
    .filter(({ was, is, readsAnother }) => was !== null && (is === null || readsAnother))
    .flatMap(({ was }) => was!.instances.map(({ group }) => group));
}
