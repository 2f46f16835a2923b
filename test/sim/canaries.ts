/**
 * Processors that are broken on purpose: each has a fault that a real one could have, and the
 * simulation must find it. A simulation that finds nothing proves nothing.
 */
import {
  defineEach,
  defineExpand,
  defineTimed,
  type EachSpec,
  type ExpandSpec,
  type Options,
  type StepSpec,
  type TimedSpec,
} from '../../core/spec.ts';
import type { KeyedStore } from '../../core/store.ts';
import { PASSED } from '../../core/verdict.ts';
import { coalesce } from '../../processors/coalesce.ts';
import { dedup } from '../../processors/dedup.ts';
import { fanOut } from '../../processors/fan-out.ts';
import { gateStaleness } from '../../processors/gate-staleness.ts';
import { registerDevice } from '../../processors/register-device.ts';
import { target } from '../../processors/target.ts';

// biome-ignore lint/suspicious/noExplicitAny: canaries wrap specs of all option and row types.
type Any = any;
type Each = EachSpec<Any, Any>;
type Expand = ExpandSpec<Any, Any>;
type Timed = TimedSpec<Any, Any>;

export interface Canary {
  readonly what: string;
  /** Made anew for each run: some keep state where none may be kept. */
  spec(): StepSpec;
}

const each = (of: Each): Each => defineEach<Options, unknown>(of) as Each;
const expand = (of: Expand): Expand => defineExpand<Options, unknown>(of) as Expand;
const timed = (of: Timed): Timed => defineTimed<Options, unknown>(of) as Timed;

/** A store that forgets one key for good when it is asked for it the n-th time. */
function forgetful(store: KeyedStore<unknown>, every: number): KeyedStore<unknown> {
  let asked = 0;
  return {
    get size() {
      return store.size;
    },
    get: (key) => {
      if (++asked % every === 0) return undefined;
      return store.get(key);
    },
    put: (key, row, dueMs) => store.put(key, row, dueMs),
    delete: (key) => store.delete(key),
    oldest: () => store.oldest(),
  };
}

export const CANARIES: readonly Canary[] = [
  {
    what: 'dedup keeps what it has seen outside its store (D11)',
    spec: () => {
      const seen = new Set<unknown>();
      return each({
        ...dedup,
        open: ({ by }: Any) => {
          return (record) => {
            const id = `${record.topic} ${record.priority} ${record.partition} ${by[0].read(record)}`;
            if (seen.has(id)) return { kind: 'dropped', reason: 'duplicate' };
            seen.add(id);
            return PASSED;
          };
        },
      });
    },
  },
  {
    what: 'dedup forgets now and then',
    spec: () =>
      each({
        ...dedup,
        open: (config: Any, context: Any) =>
          dedup.open(config, {
            ...context,
            store: forgetful(context.store, 3),
            count: () => {},
          }),
      }),
  },
  {
    what: 'the gate is a minute too strict',
    spec: () =>
      each({
        ...gateStaleness,
        open: (config: Any, context: Any) =>
          gateStaleness.open({ ...config, max_age: config.max_age - 60_000 }, context),
      }),
  },
  {
    what: 'target spares nobody',
    spec: () =>
      each({
        ...target,
        open: (config: Any, context: Any) => target.open({ ...config, except: null }, context),
      }),
  },
  {
    what: 'fan_out tells the last device twice',
    spec: () =>
      expand({
        ...fanOut,
        open: (config: Any, context: Any) => {
          const work = fanOut.open(config, context);
          return (record, emit) => {
            let last = record;
            const verdict = work(record, (copy) => {
              last = copy;
              emit(copy);
            });
            if (last !== record) emit(last);
            return verdict;
          };
        },
      }),
  },
  {
    what: 'fan_out loses a record and says that it passed',
    spec: () =>
      expand({
        ...fanOut,
        open: (config: Any, context: Any) => {
          const work = fanOut.open(config, context);
          return (record, emit) => (record.offset % 5 === 4 ? PASSED : work(record, emit));
        },
      }),
  },
  {
    what: 'coalesce keeps the oldest',
    spec: () =>
      timed({
        ...coalesce,
        open: (config: Any, context: Any) => {
          const work = coalesce.open(config, context);
          return {
            ...work,
            record: (record, emit) => {
              record.timestamp = -record.timestamp;
              return work.record(record, emit);
            },
            due: (key, row, emit) =>
              work.due(key, row, (record) => {
                record.timestamp = -record.timestamp;
                emit(record);
              }),
          };
        },
      }),
  },
  {
    what: 'coalesce loses the last of a burst',
    spec: () =>
      timed({
        ...coalesce,
        open: (config: Any, context: Any) => {
          const work = coalesce.open(config, context);
          return { ...work, due: (key) => void context.store.delete(key) };
        },
      }),
  },
  {
    what: 'a moved device keeps its epoch (D4)',
    spec: () =>
      expand({
        ...registerDevice,
        open: (config: Any, context: Any) => {
          const work = registerDevice.open(config, context);
          return (record, emit) =>
            work(record, (out) =>
              emit(out.output === 1 && out.value.epoch > 1 ? oneEpochBack(out) : out),
            );
        },
      }),
  },
];

function oneEpochBack(out: Parameters<Parameters<ReturnType<typeof registerDevice.open>>[1]>[0]) {
  const copy = out.withValue({ ...out.value, epoch: out.value.epoch - 1 });
  copy.output = out.output;
  return copy;
}
