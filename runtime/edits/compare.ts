/**
 * What an edit of a topology means for the positions and the state of its streams. Both belong to
 * the stream, by its id: where it goes to another priority they go along. Nothing is asked of the
 * log here; how much is at stake is counted beside it (stakes.ts).
 */
import type { Applied, AppliedInstance, AppliedStore, AppliedStream } from './applied.ts';
import { otherPlace } from './step-order.ts';

/** What becomes of a store of one instance of a stream. */
export interface StoreEdit {
  readonly step: string;
  /** Of the instance that has it, or had it; empty: the stream has none. */
  readonly priority: string;
  readonly holds: boolean;
  /** Of the rows of `from`, as `AppliedStore` has it. */
  readonly before?: AppliedStore['before'];
  /**
   * `keeps`: as it is. `moves`: its rows go to another changelog. `joins`: rows that the other has
   * not are added to it. `begins`: it is empty. `resets`: its rows mean something else, and go.
   * `ends`: no step has them any more.
   */
  readonly how: 'keeps' | 'moves' | 'joins' | 'begins' | 'resets' | 'ends';
  readonly from: string | null;
  readonly to: string | null;
  /** The instance whose rows they were: its group. */
  readonly fromGroup: string | null;
  /** `resets`: from what meaning to what. */
  readonly why?: string;
  /** `keeps`, `moves`: durations that are others now. */
  readonly spans?: readonly SpanEdit[];
}

/** In milliseconds. */
export interface SpanEdit {
  readonly option: string;
  readonly wasMs: number;
  readonly isMs: number;
}

/** Where an instance of a stream goes on. */
export interface PositionEdit {
  readonly to: AppliedInstance;
  /** Null: by the stream's `start`. */
  readonly from: AppliedInstance | null;
}

export interface StreamEdit {
  readonly id: string;
  readonly name: string;
  readonly how: 'keeps' | 'moves' | 'starts' | 'ends';
  readonly was: AppliedStream | null;
  readonly is: AppliedStream | null;
  readonly positions: readonly PositionEdit[];
  readonly stores: readonly StoreEdit[];
  /**
   * The rule gives events to other instances than before: all must have come to one position first,
   * or an event could fall between two of them.
   */
  readonly aligns: boolean;
  /** It reads another topic than before. */
  readonly readsAnother: boolean;
  /** Instances that no other takes the place of: what they hold is let go at once. */
  readonly released: readonly AppliedInstance[];
}

/** In the order of the new topology, then what is gone. */
export function compareTopologies(was: Applied | null, is: Applied): readonly StreamEdit[] {
  const former = new Map(was?.streams.map((stream) => [stream.id, stream]));
  const edits = is.streams.map((stream) => compareStream(former.get(stream.id) ?? null, stream));
  const kept = new Set(is.streams.map(({ id }) => id));
  const gone = [...former.values()].filter(({ id }) => !kept.has(id));
  return [...edits, ...gone.map(ended)];
}

function ended(was: AppliedStream): StreamEdit {
  const stores = was.instances.flatMap((instance) =>
    instance.stores.map((store) => endOf(instance, store)),
  );
  return { ...partsOf(was, null), how: 'ends', positions: [], stores };
}

function compareStream(was: AppliedStream | null, is: AppliedStream): StreamEdit {
  if (was === null) {
    const stores = is.instances.flatMap((to) => to.stores.map((store) => beginOf(to, store)));
    const positions = is.instances.map((to) => ({ to, from: null }));
    return { ...partsOf(null, is), how: 'starts', positions, stores };
  }
  const heirs = heirsOf(was, is);
  const general = heirs === null;
  const pairs = general ? generalPairs(was, is) : is.instances.map((to) => pairOf(was, to, heirs));
  const taken = new Set(pairs.flatMap(({ from, isWhole }) => (isWhole ? [from!.priority] : [])));
  const released = was.instances.filter(({ priority }) => !taken.has(priority));
  const why = `key ${was.key || 'of any kind'} → ${is.key || 'of any kind'}`;
  const stores = pairs.flatMap((pair) => storesOf(pair, was.key === is.key ? null : why));
  const readsAnother = was.topic !== is.topic;
  const moves = readsAnother || general || pairs.some(({ to, from }) => from?.group !== to.group);
  return {
    ...partsOf(was, is),
    how: moves ? 'moves' : 'keeps',
    positions: pairs.map(({ to, from }) => ({ to, from: readsAnother ? null : from })),
    stores: [
      ...stores,
      ...released.flatMap((instance) => instance.stores.map((store) => endOf(instance, store))),
      ...(general ? joins(was, is) : []),
    ],
    aligns: general,
    readsAnother,
    released,
  };
}

const partsOf = (was: AppliedStream | null, is: AppliedStream | null) => {
  const { id, name } = (is ?? was)!;
  return { id, name, was, is, aligns: false, readsAnother: false, released: [] };
};

interface Pair {
  readonly to: AppliedInstance;
  readonly from: AppliedInstance | null;
  /** It takes the place of the other, with all that it holds. */
  readonly isWhole: boolean;
}

const outcomes = (stream: AppliedStream) =>
  stream.rule === null ? [''] : [stream.rule.as, ...stream.rule.unless.map(({ as }) => as)];
const conditions = (stream: AppliedStream) => stream.rule?.unless.map(({ when }) => when) ?? [];

/**
 * By new priority, the old one whose events it gets, all of them and no others; null: the events
 * are shared out in another way than before.
 */
function heirsOf(was: AppliedStream, is: AppliedStream): ReadonlyMap<string, string> | null {
  if (JSON.stringify(conditions(was)) !== JSON.stringify(conditions(is))) return null;
  const heirs = new Map<string, string>();
  const given = new Map<string, string>();
  const before = outcomes(was);
  for (const [i, priority] of outcomes(is).entries()) {
    const old = before[i]!;
    if ((heirs.get(priority) ?? old) !== old || (given.get(old) ?? priority) !== priority) {
      return null;
    }
    heirs.set(priority, old);
    given.set(old, priority);
  }
  // Two that change places would each write over what the other reads.
  const crosses = [...heirs].some(([to, from]) => to !== from && given.has(to));
  return crosses ? null : heirs;
}

function pairOf(was: AppliedStream, to: AppliedInstance, heirs: ReadonlyMap<string, string>): Pair {
  const old = heirs.get(to.priority);
  const from = was.instances.find(({ priority }) => priority === old) ?? null;
  return { to, from, isWhole: from !== null };
}

/** Who stays keeps what it has; the default priority goes along where its place is free. */
function generalPairs(was: AppliedStream, is: AppliedStream): readonly Pair[] {
  const at = (priority: string) => was.instances.find((one) => one.priority === priority) ?? null;
  const formerDefault = at(was.rule?.as ?? '');
  const stays = is.instances.some(({ priority }) => priority === formerDefault?.priority);
  return is.instances.map((to) => {
    const same = at(to.priority);
    if (same !== null) return { to, from: same, isWhole: true };
    const isHeir = to.priority === (is.rule?.as ?? '') && !stays && formerDefault !== null;
    return { to, from: formerDefault, isWhole: isHeir };
  });
}

/** Of identities that were met at any priority, each instance shall know. */
function joins(was: AppliedStream, is: AppliedStream): readonly StoreEdit[] {
  return is.instances.flatMap((to) =>
    to.stores.flatMap((store) =>
      was.instances.flatMap((instance): StoreEdit[] => {
        const from = instance.stores.find(({ step }) => step === store.step);
        if (store.holds || from === undefined || was.key !== is.key) return [];
        if (from.changelog === store.changelog || from.meaning !== store.meaning) return [];
        return [
          editOf(to.priority, store, 'joins', from.changelog, store.changelog, instance.group),
        ];
      }),
    ),
  );
}

/** @param otherKey why no row of before has the meaning that it would have now; null: it has */
function storesOf({ to, from, isWhole }: Pair, otherKey: string | null): readonly StoreEdit[] {
  const edits: StoreEdit[] = to.stores.map((store) => {
    const old = isWhole ? from?.stores.find(({ step }) => step === store.step) : undefined;
    if (old === undefined || from === null) return beginOf(to, store);
    const isOther = old.meaning !== store.meaning;
    const why = isOther
      ? `${old.meaning} → ${store.meaning}`
      : (otherKey ?? (store.holds ? placeOf(from, to, store) : null));
    if (why !== null) {
      return {
        ...editOf(to.priority, old, 'resets', old.changelog, store.changelog, from.group),
        why,
      };
    }
    const how = old.changelog === store.changelog ? 'keeps' : 'moves';
    const spans = spansOf(old, store);
    const edit = editOf(to.priority, store, how, old.changelog, store.changelog, from.group);
    return spans.length === 0 ? edit : { ...edit, spans };
  });
  if (!isWhole || from === null) return edits;
  const named = new Set(to.stores.map(({ step }) => step));
  const gone = from.stores.filter(({ step }) => !named.has(step));
  return [...edits, ...gone.map((store) => endOf(from, store))];
}

/** Null also where a version before this one has not noted the steps. */
function placeOf(from: AppliedInstance, to: AppliedInstance, { step }: AppliedStore) {
  const { steps } = from;
  return steps === undefined ? null : otherPlace(steps, to.steps ?? [], step);
}

function spansOf(was: AppliedStore, is: AppliedStore): readonly SpanEdit[] {
  return Object.entries(is.spans ?? {}).flatMap(([option, isMs]) => {
    const wasMs = was.spans?.[option];
    return wasMs === undefined || wasMs === isMs ? [] : [{ option, wasMs, isMs }];
  });
}

function editOf(
  priority: string,
  { step, holds, before }: AppliedStore,
  how: StoreEdit['how'],
  from: string | null,
  to: string | null,
  fromGroup: string | null,
): StoreEdit {
  const of = before === undefined ? {} : { before };
  return { step, priority, holds, ...of, how, from, to, fromGroup };
}

const beginOf = ({ priority }: AppliedInstance, store: AppliedStore) =>
  editOf(priority, store, 'begins', null, store.changelog, null);
const endOf = ({ priority, group }: AppliedInstance, store: AppliedStore) =>
  editOf(priority, store, 'ends', store.changelog, null, group);
