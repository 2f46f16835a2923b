/**
 * `carillon delivery`: what became of one notification. `carillon device-history`: of all that a
 * device was to be told. Both read the log beside a running pipeline.
 */

import type { Plan } from '../../compiler/plan.ts';
import type { Milestone } from '../../console/answers.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { partitionOfText } from '../../core/partition.ts';
import { readDeployment } from '../deployment.ts';
import { inOrder, type LedgerTopic, ledgerLines, milestoneOf } from '../ledger.ts';
import { loadTopology } from '../load-topology.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import { pointInTime } from '../point-in-time.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { EXIT_OK } from '../show-error.ts';
import { useCaseNames } from '../use-case-names.ts';

export interface LedgerOptions {
  readonly deployment?: string;
  readonly from: string;
  readonly format: 'pretty' | 'json';
}

/** Throws CAR669 when nothing in the log is of that notification. */
export function delivery(notificationId: string, options: LedgerOptions): Promise<number> {
  const subject = `notification "${notificationId}"`;
  return show(options, subject, false, (one) => one.notificationId === notificationId);
}

/** Throws CAR669 when nothing in the log is of that device. */
export function deviceHistory(deviceId: string, options: LedgerOptions): Promise<number> {
  return show(options, `device "${deviceId}"`, true, (one) => one.deviceId === deviceId, deviceId);
}

async function show(
  { deployment: file, from, format }: LedgerOptions,
  subject: string,
  withId: boolean,
  isAsked: (one: Milestone) => boolean,
  key?: string,
): Promise<number> {
  const folder = process.cwd();
  const since = pointInTime(from, systemClock.now());
  const deployment = readDeployment({ file, folder, env: process.env });
  const { plan } = await loadTopology(deployment, { folder, env: process.env });
  const reader = await openLogReader(deployment);
  try {
    const found = await milestones(reader, plan, { since, isAsked, key });
    if (found.length === 0) throw nothingOf(subject, from);
    const json = () =>
      inOrder(found)
        .map((one) => `${JSON.stringify(one)}\n`)
        .join('');
    process.stdout.write(format === 'json' ? json() : ledgerLines(found, withId));
  } finally {
    await reader.close();
  }
  return EXIT_OK;
}

export function nothingOf(subject: string, from: string): CarillonError {
  return new CarillonError('CAR669', `nothing in the log is of ${subject}.`, {
    where: { at: `--from ${from}` },
  });
}

export interface Asked {
  readonly since: 'start' | 'end' | number;
  readonly isAsked: (one: Milestone) => boolean;
  /** The device, where only one is asked for: all of it is keyed by it. */
  readonly key?: string | undefined;
  /** Ends the reading; what was found by then is told. */
  readonly signal?: AbortSignal;
}

/** From all topics that say something of notifications. */
export async function milestones(
  reader: Pick<LogReader, 'read' | 'partitionsOf' | 'schema'>,
  plan: Pick<Plan, 'topics' | 'subTopologies'>,
  { since: from, isAsked, key, signal }: Asked,
): Promise<Milestone[]> {
  const decoder = new RecordDecoder(reader, false);
  const names = useCaseNames(plan);
  const found: Milestone[] = [];
  for (const { name, use } of plan.topics) {
    const partitions = isLedger(use) ? await reader.partitionsOf(name) : undefined;
    if (partitions === undefined) continue;
    const partition = key === undefined ? undefined : partitionOfText(key, partitions);
    const options = { from, follow: false, ...(signal === undefined ? {} : { signal }) };
    for await (const records of reader.read(name, options)) {
      for (const record of records) {
        if (partition !== undefined && record.partition !== partition) continue;
        // Before it is decoded, which costs more than to read it.
        if (key !== undefined && record.key !== key) continue;
        const milestone = milestoneOf(use as LedgerTopic, await decoder.decode(record), names);
        if (milestone !== undefined && isAsked(milestone)) found.push(milestone);
      }
    }
  }
  return found;
}

function isLedger(use: string): use is LedgerTopic {
  return use === 'lane' || use === 'retry' || use === 'outcomes' || use === 'dead-letters';
}
