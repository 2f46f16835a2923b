/**
 * What every log keeps, whatever lies below it: the embedded file, its bridge, Kafka, the in-memory
 * one of the driver. A log that commits with a promise is awaited; nothing here sleeps, it polls
 * for a condition with a bound.
 */
import { describe, test } from 'node:test';
import type { Log } from '../../core/log.ts';
import { type Cases, Names } from './log-case.ts';
import { COMMIT_CASES } from './log-commit-cases.ts';
import { READING_CASES } from './log-reading-cases.ts';
import { TAKING_CASES } from './log-taking-cases.ts';

export interface LogUnderTest {
  readonly log: Log;
  /** Closes the log and opens it again on the same data. */
  reopen(): Promise<Log>;
  /** Ends the log as kill -9 would, and opens it again on the same data. */
  crash(): Promise<Log>;
  /** Closes what is open and removes the data. */
  close(): Promise<void>;
}

export interface LogContractOptions {
  /** In front of topics and groups, so that runs on one broker do not meet; default `contract`. */
  readonly prefix?: string;
  /** How long a condition may take, milliseconds; 20 s by default. */
  readonly withinMs?: number;
  /** Cases that this log does not promise, by name, with the reason. */
  readonly skip?: Readonly<{ [name: string]: string }>;
}

const CASES: Cases = { ...COMMIT_CASES, ...TAKING_CASES, ...READING_CASES };

export function logContract(
  name: string,
  open: () => Promise<LogUnderTest>,
  options: LogContractOptions = {},
): void {
  describe(`log contract: ${name}`, () => {
    let number = 0;
    for (const [title, run] of Object.entries(CASES)) {
      const skip = options.skip?.[title];
      test(title, { skip: skip ?? false, timeout: 120_000 }, async () => {
        const names = new Names(`${options.prefix ?? 'contract'}-${++number}`, options.withinMs);
        const under = await open();
        try {
          await run(under, names);
        } finally {
          await under.close();
        }
      });
    }
  });
}
