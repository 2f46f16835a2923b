/**
 * Words and logs that are broken on purpose: each has a fault that a real one could have, in a
 * world that must find it. A simulation that finds nothing proves nothing.
 */
import { MemoryLog } from '../../../connectors/memory/log.ts';
import type {
  CommitUnit,
  Group,
  GroupHost,
  GroupSpec,
  TaskPort,
  UnitPort,
} from '../../../core/log.ts';
import type { Record } from '../../../core/record.ts';
import type { Emit, ExpandSpec, StepSpec, TimedEmit, TimedSpec } from '../../../core/spec.ts';
import { PASSED } from '../../../core/verdict.ts';
import { aggregate } from '../../../processors/aggregate.ts';
import { digest } from '../../../processors/digest.ts';
import { eachRow } from '../../../processors/each-row.ts';
import { flatMap } from '../../../processors/flat-map.ts';
import { join } from '../../../processors/join.ts';
import { joinStreams } from '../../../processors/join-streams.ts';
import { quietHours } from '../../../processors/quiet-hours.ts';
import { remind } from '../../../processors/remind.ts';
import { throttle } from '../../../processors/throttle.ts';
import { clocks } from './clocks.ts';
import { derived } from './derived.ts';
import { paces } from './paces.ts';
import { pairs } from './pairs.ts';
import { reminders } from './reminders.ts';
import { shapes } from './shapes.ts';
import type { Broken } from './simulate.ts';
import { windows } from './windows.ts';
import type { World } from './world.ts';

// biome-ignore lint/suspicious/noExplicitAny: canaries wrap specs of all option and row types.
type Any = any;
type Expand = ExpandSpec<Any, Any, Any, Any, Any>;
type Timed = TimedSpec<Any, Any, Any, Any, Any>;
type Work = ReturnType<Timed['open']>;

export interface Canary {
  readonly what: string;
  readonly world: World;
  /** Made anew for each run: some keep state where none may be kept. */
  broken(): Broken;
}

/** A word whose work is changed by somebody who knows its context. */
const timed = (spec: Any, change: (work: Work, context: Any) => Partial<Work>): Broken => ({
  steps: [
    {
      ...spec,
      open(config: Any, context: Any) {
        const work = (spec as Timed).open(config, context);
        return { ...work, ...change(work, context) };
      },
    } as StepSpec,
  ],
});

/** A word whose emitted records somebody sees first. */
const expand = (spec: Any, change: (emit: Emit) => Emit): Broken => ({
  steps: [
    {
      ...spec,
      open(config: Any, context: Any) {
        const work = (spec as Expand).open(config, context);
        return (record: Record, emit: Emit, key: Any) => work(record, change(emit), key);
      },
    } as StepSpec,
  ],
});

/** A word that looks into a table through somebody else's eyes. */
const seeing = (spec: Any, isOf: (table: string, config: Any) => boolean, get: Get): Broken => ({
  steps: [
    {
      ...spec,
      open(config: Any, context: Any) {
        const table = (name: string) => {
          const view = context.table(name);
          return isOf(name, config) ? through(view, get) : view;
        };
        return spec.open(config, { ...context, table });
      },
    } as StepSpec,
  ],
});

type Get = (key: string, row: unknown) => unknown;

const through = (view: Any, get: Get) =>
  new Proxy(view, {
    get(of, name) {
      if (name === 'get') return (key: string) => get(key, of.get(key));
      const member = Reflect.get(of, name, of);
      return typeof member === 'function' ? member.bind(of) : member;
    },
  });

/** Each emitted record goes out again, when `again` says so. */
function doubling(emit: TimedEmit, again: () => boolean): TimedEmit {
  return Object.assign((record: Record) => twice(() => emit(record), again), {
    held: () => twice(() => emit.held(), again),
    value: () => emit.value(),
    view: () => emit.view(),
    blank: () => emit.blank(),
  });
}

function twice(emit: () => Record, again: () => boolean): Record {
  if (!again()) return emit();
  const { value } = emit();
  const out = emit();
  out.value = value;
  return out;
}

const every = (n: number) => {
  let asked = 0;
  return () => ++asked % n === 0;
};

/** A log whose commits are changed on their way. */
class ChangingLog extends MemoryLog {
  readonly #change: (unit: CommitUnit, spec: GroupSpec) => CommitUnit;

  constructor(workers: number, change: (unit: CommitUnit, spec: GroupSpec) => CommitUnit) {
    super({ workers });
    this.#change = change;
  }

  override openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const units = new Map<UnitPort, UnitPort>();
    const unitOf = (unit: UnitPort): UnitPort => {
      const known = units.get(unit) ?? { commit: (of) => unit.commit(this.#change(of, spec)) };
      units.set(unit, known);
      return known;
    };
    return super.openGroup(spec, { open: (port) => host.open(portOn(port, unitOf(port.unit))) });
  }
}

const portOn = (port: TaskPort, unit: UnitPort): TaskPort => ({
  partition: port.partition,
  unit,
  committedMetadata: (topic) => port.committedMetadata(topic),
  take: (topic) => port.take(topic),
  isAtEnd: (topic) => port.isAtEnd(topic),
  fail: (error) => port.fail(error),
});

type Part = CommitUnit['parts'][number];

/** Every n-th commit of a part that `concerns` it is changed. */
const log = (n: number, change: (part: Part, spec: GroupSpec) => Part): Broken => {
  const isTurn = every(n);
  return {
    log: (workers) =>
      new ChangingLog(workers, ({ parts }, spec) => ({
        parts: parts.map((part) => (isTurn() ? change(part, spec) : part)),
      })),
  };
};

const without = (part: Part, topic: RegExp): Part => ({
  ...part,
  batches: part.batches.filter((batch) => !topic.test(batch.topic)),
});

export const CANARIES: readonly Canary[] = [
  {
    what: 'flat_map tells an element twice now and then',
    world: shapes,
    broken: () => {
      const isTurn = every(9);
      return expand(flatMap, (emit) => (record) => {
        if (isTurn()) emit(record);
        return emit(record);
      });
    },
  },
  {
    what: 'aggregate forgets a window now and then',
    world: windows,
    broken: () => {
      const isTurn = every(40);
      return timed(aggregate, (work) => ({
        record: (record, emit, key) => (isTurn() ? PASSED : work.record(record, emit, key)),
      }));
    },
  },
  {
    what: 'join sees a row as it was before, now and then',
    world: pairs,
    broken: () => {
      const before = new Map<string, unknown>();
      const isTurn = every(5);
      const isOf = (name: string) => name === 'customers';
      return seeing(join, isOf, (key, row) => {
        const old = before.get(key);
        before.set(key, row);
        return isTurn() ? old : row;
      });
    },
  },
  {
    what: 'join_streams tells a pair twice',
    world: pairs,
    broken: () => {
      const isTurn = every(20);
      return timed(joinStreams, (work) => ({
        other: (record, emit) => work.other!(record, doubling(emit, isTurn)),
      }));
    },
  },
  {
    what: 'throttle counts beside its store (D11)',
    world: paces,
    broken: () => {
      const passed = new Map<string, number>();
      return timed(throttle, (work, { clock }) => ({
        record: (record, emit, key) => {
          const of = `${record.key} ${Math.floor(clock.now() / 10_000)}`;
          passed.set(of, (passed.get(of) ?? 0) + 1);
          if (passed.get(of)! > 4) return { kind: 'dropped', reason: 'throttled' };
          return work.record(record, emit, key);
        },
      }));
    },
  },
  {
    what: 'digest loses the last of its events',
    world: paces,
    broken: () =>
      timed(digest, (work) => ({
        due: (emit) =>
          work.due(
            Object.assign((record: Record) => emit(record), {
              held: () => changedValue(emit.held()),
              value: () => emit.value(),
              view: () => emit.view(),
              blank: () => emit.blank(),
            }),
          ),
      })),
  },
  {
    what: 'quiet_hours forgets what it holds',
    world: paces,
    broken: () => {
      const isTurn = every(3);
      return timed(quietHours, (work, { store, settle }) => ({
        due: (emit) => {
          if (!isTurn()) return work.due(emit);
          settle(PASSED);
          store.delete();
        },
      }));
    },
  },
  {
    what: 'each_row tells a row twice now and then',
    world: clocks,
    broken: () => {
      const isTurn = every(11);
      return timed(eachRow, (work) => ({ due: (emit) => work.due(doubling(emit, isTurn)) }));
    },
  },
  {
    what: 'remind does not heed what is acknowledged',
    world: reminders,
    broken: () =>
      seeing(
        remind,
        (name, { acknowledgements }) => name === acknowledgements,
        () => undefined,
      ),
  },
  {
    what: 'offsets are not committed now and then',
    world: shapes,
    broken: () => log(5, (part) => ({ ...part, offsets: [] })),
  },
  {
    what: 'what goes through a repartition topic is lost now and then',
    world: shapes,
    broken: () => log(9, (part) => without(part, /-repartition$/)),
  },
  ...[windows, pairs, paces].map((world) => ({
    what: `a changelog of ${world.name} is lost now and then`,
    world,
    broken: () => log(3, (part) => without(part, /-changelog$/)),
  })),
  {
    what: 'rows of a derived table are told before their state is kept',
    world: derived,
    broken: () => log(2, (part) => without(part, /-changelog$/)),
  },
  {
    what: 'a tick is written, and its position is not',
    world: clocks,
    broken: () =>
      log(4, (part) => ({
        ...part,
        offsets: part.offsets.filter(({ topic }) => !topic.endsWith('.ticks')),
      })),
  },
];

function changedValue(out: Record): Record {
  let value: { readonly events: readonly unknown[] };
  return Object.defineProperty(out, 'value', {
    configurable: true,
    get: () => value,
    set(of: { readonly events: readonly unknown[] }) {
      Reflect.deleteProperty(out, 'value');
      const { events } = of;
      value = events.length > 2 ? { ...of, events: events.slice(0, -1) } : of;
      out.value = value;
    },
  });
}
