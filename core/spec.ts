/**
 * The language in which a processor or sink says what it is. From this one place come the
 * TypeScript type of the options, the lint, the JSON Schema for editors, the reference page, the
 * metric labels and the drop reasons.
 */
import type { OperatorFunction } from 'rxjs';
import type { Asides } from './aside.ts';
import type { Clock } from './clock.ts';
import type { Transport } from './device.ts';
import type { DeviceClasses } from './device-classes.ts';
import type { Emit, TimedEmit, TimedWork } from './emit.ts';
import type { Gives } from './gives.ts';
import type { Delivery, Outcome } from './outcome.ts';
import type { Preview, PushPreview } from './preview.ts';
import type { Priorities } from './priority.ts';
import type { Record } from './record.ts';
import type { SinkContext } from './sink-context.ts';
import type { Slice } from './slice.ts';
import type {
  ByApp,
  ConfigWarning,
  Fates,
  PlainOptions,
  StepPlace,
  StepTimes,
  Versioned,
} from './step-facts.ts';
import type { Columns, DevicesView, Key, RowCodec, StoreOf, TableView } from './store.ts';
import type { ValueKind } from './value-kind.ts';
import type { Verdict } from './verdict.ts';

export type { Emit, SinkContext, TimedEmit };

/** A compiled `value.a.b`, `key`, or `timestamp`. It belongs to one stream. */
export interface FieldReader {
  readonly path: string;
  /**
   * Which of the slice's field columns says where it lies in the bytes; -1: none, the value is
   * decoded. Set when a task opens the stream.
   */
  column: number;
  read(record: Record): unknown;
}

/** A compiled, type-checked CEL expression over `value`, `key`, `timestamp`. */
export interface Expression<T> {
  readonly source: string;
  /** Throws when the expression fails on this record; the engine makes it a dead letter. */
  evaluate(record: Record): T;
}

export type OptionKind =
  | 'duration'
  | 'time_of_day'
  | 'time_zone'
  | 'count'
  | 'bytes'
  | 'path'
  | 'paths'
  | 'predicate'
  | 'expression'
  | 'expressions'
  | 'aggregates'
  | 'durations'
  | 'one_of'
  | 'some_of'
  | 'priorities'
  | 'device_classes'
  | 'table'
  | 'stream'
  | 'flag'
  | 'text'
  | 'secret';

/** One option. `T` is what `open` gets; `fallback` is in the form that a file would have. */
export interface Option<T> {
  readonly kind: OptionKind;
  readonly doc: string;
  readonly required: boolean;
  /** As written in YAML; undefined with required false: the option may be absent. */
  readonly fallback: unknown;
  /** `one_of`, `some_of`: the values and what each means. */
  readonly choices?: Readonly<globalThis.Record<string, string>>;
  /** `durations`: the name of each and what it is. */
  readonly parts?: Readonly<globalThis.Record<string, string>>;
  readonly min?: number;
  readonly max?: number;
  /** `table`: the schema of the rows that the step reads. */
  readonly schema?: string;
  /** Kinds of value that a path can use. */
  readonly takes?: readonly ValueKind[];
  /** `path`: what it names by default, by the topology's own word. */
  readonly names?: 'member';
  /** Never there; carries the type. */
  readonly type?: T;
}

export function option<T>(
  kind: OptionKind,
  doc: string,
  fallback: unknown,
  more: Partial<Option<T>> = {},
): Option<T> {
  return { kind, doc, required: fallback === undefined, fallback, ...more };
}

/** Milliseconds; written with a unit. */
export const duration = (doc: string, fallback?: string): Option<number> =>
  option('duration', doc, fallback);
/** A whole number, at least 1. */
export const count = (
  doc: string,
  fallback?: number,
  bounds: { min?: number; max?: number } = {},
) => option<number>('count', doc, fallback, { min: 1, ...bounds });
/** Bytes; written `4KiB`, `1MiB` or a number with `B`. */
export const bytes = (doc: string, fallback?: string) => option<number>('bytes', doc, fallback);
export const predicate = (doc: string, fallback?: string): Option<Expression<boolean>> =>
  option('predicate', doc, fallback);
export const expression = (doc: string, fallback?: string): Option<Expression<unknown>> =>
  option('expression', doc, fallback);
/** A mapping from names to expressions. */
export const expressions = (
  doc: string,
): Option<Readonly<globalThis.Record<string, Expression<unknown>>>> =>
  option('expressions', doc, undefined);
export const oneOf = <C extends Readonly<globalThis.Record<string, string>>>(
  doc: string,
  choices: C,
  fallback?: keyof C & string,
): Option<keyof C & string> => option('one_of', doc, fallback, { choices });
/** A list of distinct choices. */
export const someOf = <C extends Readonly<globalThis.Record<string, string>>>(
  doc: string,
  choices: C,
  fallback?: readonly (keyof C & string)[],
): Option<readonly (keyof C & string)[]> => option('some_of', doc, fallback, { choices });
/** The name of a table of the topology, of that schema; `ctx.table` gives its rows. */
export const table = (doc: string, schema: string): Option<string> =>
  option('table', doc, undefined, { schema });
export const flag = (doc: string, fallback: boolean): Option<boolean> =>
  option('flag', doc, fallback);
export const text = (doc: string, fallback?: string): Option<string> =>
  option('text', doc, fallback);
/** A text that is never printed. */
export const secret = (doc: string, fallback?: string): Option<string> =>
  option('secret', doc, fallback);

export type Options = Readonly<globalThis.Record<string, Option<unknown>>>;
export type ValuesOf<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** What a step is handed when its task opens. */
export interface StepContext<
  Rows = never,
  Reason extends string = string,
  Name extends string = string,
> extends Asides {
  readonly stream: string;
  readonly step: string;
  /** The id of the use case (`id:` of the stream). */
  readonly useCase: string;
  readonly partition: number;
  readonly clock: Clock;
  /** Of the topology: what the number in a record's slot means. */
  readonly priorities: Priorities;
  /** Of the topology: what the bits of a mask mean. */
  readonly deviceClasses: DeviceClasses;
  /** Only for steps that declare `rows`. */
  readonly store: StoreOf<Rows>;
  table<T>(name: string): TableView<T>;
  /** A table of schema MemberDevices, as lines. */
  devices(name: string): DevicesView;
  /** Counts what the spec declares under `counts`. */
  count(name: Name, by?: number): void;
  /**
   * Settles `by` records that were held: passed, or dropped with a declared reason. `offset` is
   * that of the one that was dropped, so that tools can name it.
   */
  settle(verdict: Verdict<Reason>, by?: number, offset?: number): void;
}

interface StepSpecBase<O extends Options> extends StepPlace, Versioned {
  /** The name in a topology file: a verb, snake_case. */
  readonly type: string;
  readonly summary: string;
  /** More prose for the reference page: guarantees, limits, sources of rules. */
  readonly description?: string;
  readonly config: O;
  readonly gives?: Gives;
  /** The type of a later step that reads what this one sets; without one it has no effect. */
  readonly marksFor?: string;
  /** The type of sink that needs what this step looks up; others lose by its drops. */
  readonly joinsFor?: string;
  /** The predicate option that holds for each record that it sends on. */
  readonly ensures?: keyof O & string;
  warns?(config: ValuesOf<O>, written: ReadonlySet<string>): readonly ConfigWarning[];
  /** Whether it lets everything through that a step of its type with the other options let. */
  isWeaker?(options: PlainOptions, than: PlainOptions): boolean;
  times?(config: ValuesOf<O>): StepTimes;
  /** Options beside `keyedBy` that say what a row means (a window): an edit of one resets it. */
  readonly meaning?: readonly (keyof O & string)[];
  /** Whether its rows are still to be told, and not to be forgotten; those of `timed` steps are. */
  holds?(config: ValuesOf<O>): boolean;
  /** The option (text) that names the topic of what it puts aside. */
  readonly aside?: keyof O & string;
  /** A YAML step that the reference shows and a test compiles. */
  readonly example: string;
}
type Rows = Columns | RowCodec<unknown>;

interface KeyedSpec<O extends Options, R> {
  readonly rows?: R;
  /**
   * The option (paths) that makes the key under which the step keeps a record. The engine makes the
   * keys of a whole slice at once, and hands each with its record; null when a part is null or
   * absent.
   */
  readonly keyedBy?: keyof O & string;
}

/** From record to verdict; `passed` passes the record itself. */
export interface EachSpec<
  O extends Options,
  R,
  D extends string = string,
  C extends string = string,
  N extends string = string,
> extends StepSpecBase<O>,
    KeyedSpec<O, R>,
    Fates<D, C, N> {
  readonly kind: 'each';
  open(
    config: ValuesOf<O>,
    context: StepContext<R, NoInfer<D>, NoInfer<N>>,
  ): (record: Record, key: Key | null) => Verdict<NoInfer<D>, NoInfer<C>>;
}

/** From one record to any number; what goes on is what was emitted, the verdict is the input's. */
export interface ExpandSpec<
  O extends Options,
  R,
  D extends string = string,
  C extends string = string,
  N extends string = string,
> extends StepSpecBase<O>,
    KeyedSpec<O, R>,
    Fates<D, C, N> {
  readonly kind: 'expand';
  /** True: it sends on just one for each that it passes, last of all: ours, the record itself. */
  readonly oneForOne?: boolean;
  /** The options that name a table of devices and the field it is joined by: it is read ahead. */
  readonly joins?: { readonly table: keyof O & string; readonly by: keyof O & string };
  open(
    config: ValuesOf<O>,
    context: StepContext<R, NoInfer<D>, NoInfer<N>>,
  ): (record: Record, emit: Emit, key: Key | null) => Verdict<NoInfer<D>, NoInfer<C>>;
}

/**
 * Holds records in its store and lets them go when their row is due on the task's clock. When it
 * throws on a record, that one is a dead letter and nothing of what was done for it stays: rows,
 * timers, what was sent, settled and counted. When it throws on a row that is due, the held record
 * is the dead letter, and its row goes.
 */
export interface TimedSpec<
  O extends Options,
  R extends Columns,
  D extends string = string,
  C extends string = string,
  N extends string = string,
> extends StepSpecBase<O>,
    Fates<D, C, N> {
  readonly kind: 'timed';
  /** A column of kind `record` is for records that are held: each stands in a row of its own. */
  readonly rows: R;
  readonly keyedBy?: keyof O & string;
  /** The option (stream) that names the other stream, whose records it is handed too. */
  readonly other?: keyof O & string;
  open(
    config: ValuesOf<O>,
    context: StepContext<R, NoInfer<D>, NoInfer<N>>,
  ): TimedWork<Verdict<NoInfer<D>, NoInfer<C>>>;
}

/** Any stateless RxJS pipeline over slices; for custom processors. */
export interface OperatorSpec<
  O extends Options,
  D extends string = string,
  N extends string = string,
> extends StepSpecBase<O>,
    Fates<D, never, N> {
  readonly kind: 'operator';
  open(
    config: ValuesOf<O>,
    context: StepContext<never, NoInfer<D>, NoInfer<N>>,
  ): OperatorFunction<Slice, Slice>;
}

// biome-ignore-start lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
export type StepSpec =
  | EachSpec<any, any, any, any, any>
  | ExpandSpec<any, any, any, any, any>
  | TimedSpec<any, any, any, any, any>
  | OperatorSpec<any, any, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: as above.

// A reason, code or count that a spec does not declare does not compile: none declared, none given.
export const defineEach = <
  O extends Options,
  R extends Rows = never,
  D extends string = never,
  C extends string = never,
  N extends string = never,
>(
  spec: Omit<EachSpec<O, R, D, C, N>, 'kind'>,
): EachSpec<O, R, D, C, N> => ({ kind: 'each', ...spec });
export const defineExpand = <
  O extends Options,
  R extends Rows = never,
  D extends string = never,
  C extends string = never,
  N extends string = never,
>(
  spec: Omit<ExpandSpec<O, R, D, C, N>, 'kind'>,
): ExpandSpec<O, R, D, C, N> => ({ kind: 'expand', ...spec });
export const defineTimed = <
  O extends Options,
  R extends Columns,
  D extends string = never,
  C extends string = never,
  N extends string = never,
>(
  spec: Omit<TimedSpec<O, R, D, C, N>, 'kind'>,
): TimedSpec<O, R, D, C, N> => ({ kind: 'timed', ...spec });
export const defineOperator = <
  O extends Options,
  D extends string = never,
  N extends string = never,
>(
  spec: Omit<OperatorSpec<O, D, N>, 'kind'>,
): OperatorSpec<O, D, N> => ({ kind: 'operator', ...spec });

/** What a sink connector is handed when it opens. */
export interface Sink {
  /** Rejects with a CarillonError when the service cannot be reached or refuses us. */
  probe(): Promise<void>;
  /**
   * One outcome per delivery, in order. A rejection means that the connector is broken, not a
   * record: the runner opens the breaker and tries all of them again.
   */
  deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

export interface SinkSpec<O extends Options = Options> extends ByApp, Versioned {
  /** The name in a topology file: the service, a noun. */
  readonly type: string;
  readonly summary: string;
  readonly description?: string;
  readonly config: O;
  /** Said honestly: at-least-once, idempotent, order. Shown in the reference. */
  readonly promises: readonly string[];
  /** The most deliveries in one call of `deliver`. 1: each record has a call of its own. */
  readonly batchMax: number;
  /** True: a delivery needs the device's row of `tables.device-owners`. */
  readonly needsOwner: boolean;
  /**
   * True: it keeps every notification for later (an inbox). Deadline, epoch and the order per
   * device are then the reader's matter, and nothing is ever abandoned. False by default.
   */
  readonly keeps?: boolean;
  /** True: what waits for longer than a lane's mark may goes by the sink's retry topic (D8). */
  readonly retries?: boolean;
  /**
   * Whether a record may go in one call with the one of its device right before it; told in that
   * order, none after one to be tried again. Undefined: a device has one record under way.
   */
  together?(before: Delivery, next: Delivery): boolean;
  /** The only transport whose devices it reaches; undefined: any. */
  readonly transport?: Transport;
  /** The type of step that must stand before it. */
  readonly needs?: string;
  warns?(config: ValuesOf<O>): readonly ConfigWarning[];
  readonly example: string;
  /** What it would send, for `carillon render`; undefined when it cannot be made to fit. */
  preview?(config: ValuesOf<O>, of: PushPreview): Preview | undefined;
  open(config: ValuesOf<O>, context: SinkContext): Promise<Sink>;
}

export const defineSink = <O extends Options>(spec: SinkSpec<O>): SinkSpec<O> => spec;

/** All step and sink types that a topology may name; handed in, never imported, below the cli. */
export interface Catalog {
  readonly steps: ReadonlyMap<string, StepSpec>;
  // biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
  readonly sinks: ReadonlyMap<string, SinkSpec<any>>;
}
