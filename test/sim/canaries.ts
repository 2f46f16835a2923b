/**
 * Processors that are broken on purpose: each has a fault that a real one could have, and the
 * simulation must find it. A simulation that finds nothing proves nothing.
 */
import { Record } from '../../core/record.ts';
import {
  defineEach,
  defineExpand,
  defineTimed,
  type EachSpec,
  type Emit,
  type ExpandSpec,
  type Options,
  type StepSpec,
  type TimedEmit,
  type TimedSpec,
} from '../../core/spec.ts';
import type { ColumnStore, Key } from '../../core/store.ts';
import { PASSED } from '../../core/verdict.ts';
import { coalesce } from '../../processors/coalesce.ts';
import { dedup } from '../../processors/dedup.ts';
import { fanOut } from '../../processors/fan-out.ts';
import { gateStaleness } from '../../processors/gate-staleness.ts';
import { registerDevice } from '../../processors/register-device.ts';
import { target } from '../../processors/target.ts';

// biome-ignore lint/suspicious/noExplicitAny: canaries wrap specs of all option and row types.
type Any = any;
type Each = EachSpec<Any, Any, Any, Any, Any>;
type Expand = ExpandSpec<Any, Any, Any, Any, Any>;
type Timed = TimedSpec<Any, Any, Any, Any, Any>;

export interface Canary {
  readonly what: string;
  /** Made anew for each run: some keep state where none may be kept. */
  spec(): StepSpec;
}

const each = (of: Each): Each => defineEach<Options, Any, Any, Any, Any>(of) as Each;
const expand = (of: Expand): Expand => defineExpand<Options, Any, Any, Any, Any>(of) as Expand;
const timed = (of: Timed): Timed => defineTimed<Options, Any, Any, Any, Any>(of) as Timed;

/** A store that says of every n-th key that it is not there. */
function forgetful(store: ColumnStore<Any>, every: number): ColumnStore<Any> {
  let asked = 0;
  const get = (key: Key) => {
    const row = store.get(key);
    return ++asked % every === 0 ? undefined : row;
  };
  return new Proxy(store, {
    get(of, name) {
      if (name === 'get') return get;
      const member = Reflect.get(of, name, of);
      return typeof member === 'function' ? member.bind(of) : member;
    },
  });
}

/** What is emitted turns into what `change` makes of it. */
function changing(emit: TimedEmit, change: (record: Record) => Record): TimedEmit {
  return Object.assign((record: Record) => change(emit(record)), {
    held: () => change(emit.held()),
    value: () => emit.value(),
    view: () => emit.view(),
    blank: () => change(emit.blank()),
  });
}

function backwards(record: Record): Record {
  record.timestamp = -record.timestamp;
  return record;
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
          return (record, emit, key) => {
            let last: Record | null = null;
            const verdict = work(
              record,
              (copied) => {
                last = emit(copied);
                return last;
              },
              key,
            );
            if (last !== null) emit(last);
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
          return (record, emit, key) =>
            record.offset % 5 === 4 ? PASSED : work(record, emit, key);
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
            record: (record, emit, key) =>
              work.record(backwards(record), changing(emit, backwards), key),
            due: (emit) => work.due(changing(emit, backwards)),
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
          return { ...work, due: () => context.store.delete() };
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
          return (record, emit, key) => {
            const kept = keeping(emit);
            const verdict = work(record, kept.emit, key);
            for (const out of kept.emitted) if (out.output === 1) oneEpochBack(out);
            return verdict;
          };
        },
      }),
  },
];

/** Keeps a view on each record that is emitted. */
function keeping(emit: Emit): { emit: Emit; readonly emitted: readonly Record[] } {
  const emitted: Record[] = [];
  return {
    emitted,
    emit(record) {
      const out = emit(record);
      emitted.push(new Record(out.slice, out.i));
      return out;
    },
  };
}

function oneEpochBack(out: Record): void {
  const { epoch } = out.value;
  if (epoch > 1) out.value = { ...out.value, epoch: epoch - 1 };
}
