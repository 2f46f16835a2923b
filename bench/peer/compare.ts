/**
 * Whether two contenders have told the same. What is the same whatever the order of inputs and the
 * hour is compared exactly; for the rest, what must hold of it:
 *
 * - Inputs of a task are taken in any order, so numbers are not compared between the two, but with
 *   themselves: dense, and `previous` right (rule D3). Within one use case their order is the same.
 * - A burst is over by the wall clock, so where bursts are cut differs. The same bursts are told to
 *   the same devices, each event counts once, and the newest of all is told last.
 */
import type { Told } from './lanes.ts';

/** What is wrong with what one contender has told. One line a fault, made as they are asked for. */
export function* faultsOf(told: readonly Told[]): Generator<string> {
  const ids = new Set<string>();
  for (const one of told) {
    if (ids.has(one.id)) yield `${nameOf(one)}: told twice`;
    ids.add(one.id);
    if (one.key !== one.deviceId) yield `${nameOf(one)}: its key is ${one.key}`;
    if (one.timestamp !== one.born) yield `${nameOf(one)}: its record's time is not born`;
    if (one.lane.split('.')[1] !== one.priority) yield `${nameOf(one)}: in ${one.lane}`;
    if (one.count < 1) yield `${nameOf(one)}: counts ${one.count}`;
  }
  for (const [name, all] of grouped(told, numberedBy)) yield* faultsOfNumbers(name, all);
}

const numberedBy = ({ deviceId, epoch, priority }: Told) => `${deviceId}/${epoch}/${priority}`;

/** `all`: of one device, epoch and priority. */
function* faultsOfNumbers(name: string, all: readonly Told[]): Generator<string> {
  const lastInLane = new Map<string, Told>();
  for (const [at, one] of inOrder(all).entries()) {
    if (one.sequence !== at + 1) {
      // What follows would all be at the wrong place too.
      yield `${name}: number ${one.sequence} stands where ${at + 1} should`;
      return;
    }
    const before = lastInLane.get(one.lane);
    const previous = before?.sequence ?? 0;
    if (one.previous !== previous) {
      yield `${name}: number ${one.sequence} follows ${one.previous}, not ${previous}`;
    }
    if (before !== undefined && !isBehind(one, before)) {
      yield `${name}: number ${one.sequence} is not behind ${previous} in its lane`;
    }
    lastInLane.set(one.lane, one);
  }
}

function isBehind(one: Told, before: Told): boolean {
  return one.partition === before.partition && one.offset > before.offset;
}

/**
 * How the second differs from the first, as `faultsOf`. `coalesces`: of a use case, whether it has
 * bursts.
 */
export function* differences(
  first: readonly Told[],
  second: readonly Told[],
  coalesces: (useCase: string) => boolean,
): Generator<string> {
  const isBurst = ({ useCase }: Told) => coalesces(useCase);
  const isSingle = ({ useCase }: Told) => !coalesces(useCase);
  const [single, others] = [first.filter(isSingle), second.filter(isSingle)];
  yield* differencesOfSingle(single, others);
  yield* differencesOfOrder(single, others);
  yield* differencesOfBursts(first.filter(isBurst), second.filter(isBurst));
}

/** All fields but numbers and offsets. */
const EXACT = [
  ...(['phase', 'lane', 'partition', 'key', 'timestamp', 'schemaId', 'deviceId', 'epoch'] as const),
  ...(['useCase', 'priority', 'deadline', 'collapseKey', 'count', 'born'] as const),
  ...(['payloadSchemaId', 'payload'] as const),
];

function* differencesOfSingle(first: readonly Told[], second: readonly Told[]): Generator<string> {
  const left = new Map(first.map((one) => [one.id, one]));
  for (const one of second) {
    const other = left.get(one.id);
    left.delete(one.id);
    if (other === undefined) yield `${nameOf(one)}: only the second has told it`;
    else yield* differencesOfFields(other, one, EXACT);
  }
  for (const one of left.values()) yield `${nameOf(one)}: only the first has told it`;
}

function differencesOfFields(first: Told, second: Told, fields: readonly (keyof Told)[]): string[] {
  return fields
    .filter((field) => first[field] !== second[field])
    .map((field) => `${nameOf(first)}: ${field} ${first[field]} and ${second[field]}`);
}

/** Notifications of one use case come from one topic, whose order both must keep. */
function* differencesOfOrder(first: readonly Told[], second: readonly Told[]): Generator<string> {
  const by = (one: Told) => `${numberedBy(one)}/${one.useCase}`;
  const others = grouped(second, by);
  for (const [name, all] of grouped(first, by)) {
    const other = inOrder(others.get(name) ?? []);
    const at = inOrder(all).findIndex(({ id }, i) => other[i]?.id !== id);
    // What is missing has been said already.
    if (at >= 0 && all.length === other.length) yield `${name}: another order from ${at}`;
  }
}

/** Bursts of one key and device, by load: between the two loads all bursts end. */
const burstBy = ({ phase, deviceId, useCase, priority, collapseKey }: Told) =>
  `${phase}/${deviceId}/${useCase}/${priority}/${collapseKey}`;

function* differencesOfBursts(first: readonly Told[], second: readonly Told[]): Generator<string> {
  const left = grouped(first, burstBy);
  for (const [name, all] of grouped(second, burstBy)) {
    const other = left.get(name);
    left.delete(name);
    if (other === undefined) {
      yield `${name}: only the second has told it`;
      continue;
    }
    const [a, b] = [countOf(other), countOf(all)];
    if (a !== b) yield `${name}: stands for ${a} events and ${b}`;
    const fields = EXACT.filter((field) => field !== 'count');
    yield* differencesOfFields(newestOf(other), newestOf(all), ['id', ...fields]);
  }
  for (const name of left.keys()) yield `${name}: only the first has told it`;
}

function inOrder(told: readonly Told[]): Told[] {
  return told.toSorted((a, b) => a.sequence - b.sequence);
}

function countOf(all: readonly Told[]): number {
  return all.reduce((sum, { count }) => sum + count, 0);
}

function newestOf(all: readonly Told[]): Told {
  return all.reduce((newest, one) => (one.sequence > newest.sequence ? one : newest));
}

function grouped(told: readonly Told[], by: (one: Told) => string): Map<string, Told[]> {
  const groups = new Map<string, Told[]>();
  for (const one of told) {
    const name = by(one);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return groups;
}

function nameOf({ useCase, deviceId, id }: Told): string {
  return `${useCase} for ${deviceId} (${id})`;
}
