/** Draws a scenario of a world, runs it through the engine, and judges what came of it. */
import { MemoryLog } from '../../../connectors/memory/log.ts';
import type { StepSpec } from '../../../core/spec.ts';
import { totalsGap } from '../../../runtime/driver/totals.ts';
import { Driven } from '../../kit/drive.ts';
import { Chance, chanceOf } from '../chance.ts';
import {
  counted,
  type Happening,
  type Model,
  type Scenario,
  type Way,
  type World,
} from './world.ts';

const FAULTS_SHOWN_MAX = 12;

export interface Run {
  readonly driven: Driven;
  readonly model: Model;
  readonly lines: readonly string[];
  /** Of the world's stores, as text. */
  readonly rows: readonly string[];
  readonly faults: readonly string[];
}

export interface Broken {
  /** In the place of the catalog's steps of the same type. */
  readonly steps?: readonly StepSpec[];
  readonly log?: (workers: number) => MemoryLog;
}

export function scenarioOf(world: World, seed: number): Scenario {
  // Worlds of one seed begin each in another way.
  const chance = new Chance(Math.floor(chanceOf(seed, world.name) * 2 ** 31));
  const way = {
    partitions: chance.pick([1, 2, 4]),
    workers: chance.pick([1, 3]),
    commitEvery: chance.pick([1, 3, 7, 1_000]),
  };
  const drawn = world.draw(chance, way.partitions);
  return { seed, way, happenings: disturbed(drawn, chance) };
}

/** With what happens to processes in between. */
export function disturbed(
  drawn: readonly Happening[],
  chance: Chance,
  weights = { nothing: 82, commit: 3, restart: 3, rebalance: 4, crash: 8 },
): Happening[] {
  return drawn.flatMap((happening): Happening[] => {
    const kind = chance.weighted(weights);
    if (kind === 'nothing') return [happening];
    if (kind !== 'crash') return [{ kind }, happening];
    return [{ kind, worker: chance.is(0.5) ? 'all' : chance.below(3) }, happening];
  });
}

/** Throws what the engine throws. */
export async function simulate(
  world: World,
  { happenings, way }: Pick<Scenario, 'happenings' | 'way'>,
  broken: Broken = {},
): Promise<Run> {
  const { partitions, workers, commitEvery } = way;
  const log = broken.log?.(workers) ?? new MemoryLog({ workers });
  const { topology, schemas } = world;
  const options = { schemas, log, partitions, commitEvery, steps: broken.steps ?? [] };
  const driven = await Driven.open(topology, options);
  const model = world.model(way);
  for (const happening of happenings) {
    // Asked before: a crash hands the tasks of a worker on.
    model.act(happening, lostBy(happening, log, way));
    await act(driven, happening, way);
  }
  model.act({ kind: 'commit' }, []);
  await driven.driver.commit();
  const rows = (world.stores ?? []).flatMap((store) =>
    driven.driver.rows(store).map(([key, row]) => `${store} ${key} ${JSON.stringify(row)}`),
  );
  await driven.driver.close();
  const lines = world.told(driven);
  const faults = [...faultsOf(driven, model, lines), ...(world.judge?.(driven, happenings) ?? [])];
  return { driven, model, lines, rows, faults };
}

function lostBy(happening: Happening, log: MemoryLog, { partitions, workers }: Way): number[] {
  if (happening.kind !== 'crash') return [];
  if (happening.worker !== 'all') return log.heldBy(happening.worker % workers);
  return Array.from({ length: partitions }, (_, p) => p);
}

async function act(driven: Driven, happening: Happening, { workers }: Way): Promise<void> {
  const { driver } = driven;
  switch (happening.kind) {
    case 'feed': {
      const { topic, key, value, at } = happening;
      if (value === null) return driven.raw(topic, key, null, { at });
      return driven.feed(topic, key, value, { at });
    }
    case 'advance':
      return driver.advance(happening.ms);
    case 'crash':
      return driver.crash(happening.worker === 'all' ? undefined : happening.worker % workers);
    default:
      return driver[happening.kind]();
  }
}

function faultsOf(driven: Driven, model: Model, lines: readonly string[]): string[] {
  const faults: string[] = [];
  const totals = driven.driver.totals();
  const gap = totalsGap(totals);
  if (gap !== 0) faults.push(`conservation: ${gap} records are missing of ${totals.in}`);
  if (model.held !== undefined && totals.held !== model.held) {
    faults.push(`held: ${totals.held}, not ${model.held}`);
  }
  for (const [reason, n] of Object.entries(model.dropped ?? {})) {
    const counts = totals.dropped[reason] ?? 0;
    if (counts !== n) faults.push(`dropped as ${reason}: ${counts}, not ${n}`);
  }
  for (const letter of driven.letters) faults.push(`a dead letter: ${letter}`);
  const [has, wants] = [counted(lines), counted(model.lines)];
  for (const line of new Set([...has.keys(), ...wants.keys()])) {
    const more = (has.get(line) ?? 0) - (wants.get(line) ?? 0);
    if (more < 0) faults.push(`missing ${-more}: ${line}`);
    if (more > 0) faults.push(`too many, by ${more}: ${line}`);
  }
  const rest = faults.length - FAULTS_SHOWN_MAX;
  return rest > 0 ? [...faults.slice(0, FAULTS_SHOWN_MAX), `… and ${rest} more`] : faults;
}
