/**
 * What a program imports from the package. `import { drive } from 'carillon'`: the driver protocol
 * (docs/reference/driver-protocol.md) without a process and without JSON lines, so that a topology
 * is tested in whichever test runner its owner uses. `import { processor } from 'carillon'`: what
 * steps and sinks of one's own are written in (docs/guides/own-steps.md).
 */
import { CarillonError, CarillonErrors } from '../core/error.ts';
import { readDeployment } from './deployment.ts';
import { Drive } from './drive/drive.ts';
import { driveStartMs } from './drive/start-time.ts';
import { compiledTopology, loadTopology } from './load-topology.ts';
import { showError } from './show-error.ts';

export type { Authenticate, Authenticated } from '../core/authenticate.ts';
export { processor, sink } from '../core/author.ts';
export type { Header } from '../core/headers.ts';
export {
  optionalDuration,
  optionalExpressions,
  optionalPriorities,
  optionalSomeOf,
  optionalTable,
  optionalText,
  timeOfDay,
  timeZone,
} from '../core/more-options.ts';
export type { Delivery, Outcome } from '../core/outcome.ts';
export { IDENTITY, LIST, optionalPath, path, paths, TEXT } from '../core/path-options.ts';
export type { Priorities } from '../core/priority.ts';
export { Record } from '../core/record.ts';
export { Slice } from '../core/slice.ts';
export {
  bytes,
  count,
  duration,
  type Emit,
  type Expression,
  expression,
  expressions,
  type FieldReader,
  flag,
  oneOf,
  predicate,
  type Sink,
  type SinkContext,
  type SinkSpec,
  type StepContext,
  type StepSpec,
  secret,
  someOf,
  type TimedEmit,
  table,
  text,
} from '../core/spec.ts';
export { columns, type Key, NEVER, type RowCodec } from '../core/store.ts';
export { deadLettered, dropped, HELD, PASSED, type Verdict } from '../core/verdict.ts';

export interface DriveOptions {
  /** A topology file, from `folder`; without it that of the deployment. */
  readonly topology?: string;
  /** A topology's text, in place of a file. */
  readonly text?: string;
  /** The deployment config, from `folder`; without it `carillon.yaml`, if it is there. */
  readonly deployment?: string;
  /** Modules of steps and sinks of one's own, beside those that the deployment names. */
  readonly processors?: readonly string[];
  /** Where paths begin; the process's own folder by default. */
  readonly folder?: string;
  /** What `${VAR}` stands for; the process's own environment by default. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** Of every topic; 1 by default. */
  readonly partitions?: number;
  /** Commits after so many records; 1 by default. */
  readonly commitEvery?: number;
  /** An ISO time; 2026-01-01T00:00:00Z by default. */
  readonly start?: string;
}

/** One line in; the same fields as on standard input of `carillon drive`. */
export type InputLine =
  | {
      readonly topic: string;
      readonly key: string | null;
      /** By the topic's schema; null: a tombstone. */
      readonly value?: unknown;
      /** The value's bytes in base64, in place of `value`. */
      readonly raw?: string;
      /** Epoch milliseconds; the clock's when it is left out. */
      readonly timestamp?: number;
      readonly partition?: number;
      readonly headers?: { readonly [name: string]: string };
    }
  | { readonly advance: string }
  | { readonly commit: true }
  | { readonly restart: true }
  | { readonly crash: true }
  | { readonly query: { readonly store: string; readonly key?: string } };

/** A record that the topology wrote. */
export interface RecordLine {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: values are JSON, and asserted on.
  readonly value?: any;
  /** Base64, in place of `value`, where the bytes are of no known schema. */
  readonly raw?: string;
  readonly timestamp: number;
  readonly headers: { readonly [name: string]: string };
}

/** What a sink was given for a device. */
export interface SinkLine {
  readonly sink: string;
  readonly outcome: string;
  readonly priority: string;
  /** The device. */
  readonly key: string;
  /** The clock, epoch milliseconds. */
  readonly at: number;
  readonly id: string;
  readonly useCase: string;
  readonly sequence: number;
  readonly previous: number;
  readonly epoch: number;
  /** Events that it stands for. */
  readonly count: number;
  /** Epoch milliseconds; 0: none. */
  readonly deadline: number;
  readonly attempt: number;
  /** The event. */
  // biome-ignore lint/suspicious/noExplicitAny: values are JSON, and asserted on.
  readonly value: any;
}

/** A record that a step dropped. */
export interface DropLine {
  readonly drop: {
    readonly stream: string;
    readonly step: string;
    readonly reason: string;
    /** Where it stands for more than one. */
    readonly count?: number;
    readonly topic?: string;
    readonly partition?: number;
    readonly offset?: number;
  };
}

/** A row of a store. */
export interface StoreLine {
  readonly store: string;
  readonly key: string;
  // biome-ignore lint/suspicious/noExplicitAny: values are JSON, and asserted on.
  readonly value: any;
}

export type OutputLine = RecordLine | SinkLine | DropLine | StoreLine;

/** `in = passed + dropped + dead_letters + held`; `out`: records written, by topic. */
export interface Sums {
  readonly in: number;
  readonly passed: number;
  readonly dropped: { readonly [reason: string]: number };
  readonly dead_letters: number;
  readonly held: number;
  readonly out: { readonly [topic: string]: number };
}

export interface TestDrive {
  /** Feeds lines one after the other, and gives what came of them, drops too, in order. */
  feed(...lines: readonly InputLine[]): Promise<OutputLine[]>;
  /** Commits, closes, and gives the sums. Throws when they do not agree. */
  end(): Promise<Sums>;
}

/**
 * A topology on a log in memory, its clock in your hand: no broker, no port, no waiting. Feeding
 * the same lines always gives the same.
 *
 * Throws errors with a `code`; the message says what is wrong, where, and how to mend it.
 */
export async function drive(options: DriveOptions = {}): Promise<TestDrive> {
  return withWords(async () => {
    const { folder = process.cwd(), env = process.env, processors } = options;
    const deployment = readDeployment({ file: options.deployment, folder, env, processors });
    const { topology: file, text } = options;
    const { plan, schemas } =
      text === undefined
        ? await loadTopology(deployment, { folder, env, file })
        : await compiledTopology(deployment, { folder, env, file: 'text', text });
    const out: OutputLine[] = [];
    const driving = await Drive.open(
      {
        plan,
        folder: schemas,
        partitions: options.partitions ?? 1,
        commitEvery: options.commitEvery ?? 1,
        drops: true,
        ...(options.start === undefined ? {} : { startMs: driveStartMs(options.start) }),
      },
      (line) => out.push(JSON.parse(line)),
    );
    return {
      async feed(...lines) {
        await withWords(async () => {
          for (const line of lines) await driving.input(JSON.stringify(line));
        });
        return out.splice(0);
      },
      async end() {
        const agrees = await withWords(() => driving.end());
        const { end } = out.at(-1) as unknown as { end: Sums };
        if (agrees) return end;
        throw new CarillonError('CAR801', `the sums do not agree: ${JSON.stringify(end)}.`);
      },
    };
  });
}

/** A test runner shows an error's message: so all four parts stand in it. */
async function withWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CarillonError || error instanceof CarillonErrors) {
      error.message = showError(error).text.trimEnd();
    }
    throw error;
  }
}
