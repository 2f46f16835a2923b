/** Where a device is, what waits for it, and what became of what it was to be told. */

import type { Plan } from '../../compiler/plan.ts';
import type { DeviceAnswer, InboxAnswer } from '../../console/answers.ts';
import type { Clock } from '../../core/clock.ts';
import { emptyCursor, parseCursorOf } from '../../core/cursor.ts';
import type { InboxStore } from '../../core/inbox.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Record } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import { GATEWAY_TOPICS } from '../../gateway/gateway-options.ts';
import { readUncovered } from '../../gateway/inbox-reader.ts';
import { milestones } from '../commands/delivery.ts';
import { inOrder } from '../ledger.ts';
import type { LogReader } from '../log-reader.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { payloadService } from '../run/services.ts';
import { shownValue } from '../show-record.ts';
import { useCaseNames } from '../use-case-names.ts';

export interface DeviceParts {
  readonly reader: LogReader;
  readonly plan: Plan;
  readonly inbox: InboxStore | null;
  readonly schemas: Schemas;
  readonly clock: Clock;
}

export interface AskedDevice {
  readonly id: string;
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

/** As tables.devices is named in every topology. */
const MEMBERS_TABLE = 'tables.devices';
const INBOX_BOUNDS = { rows: 100, bytes: 1_048_576 };
const HISTORY_MAX = 500;

type Row = { readonly [field: string]: unknown };

export async function aboutDevice(parts: DeviceParts, asked: AskedDevice): Promise<DeviceAnswer> {
  const { reader, plan, inbox } = parts;
  const { id, sinceMs, signal } = asked;
  const decoder = new RecordDecoder(reader);
  const unread: string[] = [];
  const rowOf = async (topic: string): Promise<Row | null> => {
    const record = await lastOf(reader, topic, id, signal);
    if (signal.aborted) unread.push(topic);
    const value = record === undefined ? null : (await decoder.decode(record)).value;
    return (value ?? null) as Row | null;
  };
  const owner = await rowOf(GATEWAY_TOPICS.owners);
  const presence = await rowOf(GATEWAY_TOPICS.presence);
  const members = owner === null ? await rowOf(MEMBERS_TABLE) : null;
  const history = await milestones(reader, plan, {
    since: sinceMs,
    isAsked: ({ deviceId }) => deviceId === id,
    key: id,
    signal,
  });
  if (signal.aborted && unread.length === 0) unread.push('the history');
  return {
    id,
    device: owner === null ? null : (shownValue(owner) as Row),
    memberDevices: devicesOf(members),
    presence: presenceOf(presence),
    inbox: owner === null || inbox === null ? null : await inboxOf(parts, inbox, owner),
    history: inOrder(history).slice(-HISTORY_MAX),
    unread,
  };
}

/** The row that stands: the last one of its key, which may be that it was deleted. */
async function lastOf(
  reader: LogReader,
  topic: string,
  key: string,
  signal: AbortSignal,
): Promise<Record | undefined> {
  const partitions = await reader.partitionsOf(topic);
  if (partitions === undefined) return undefined;
  const partition = partitionOfText(key, partitions);
  let last: Record | undefined;
  for await (const records of reader.read(topic, { from: 'start', follow: false, signal })) {
    for (const record of records) {
      if (record.partition === partition && record.key === key) last = record;
    }
  }
  return last?.valueBytes === null ? undefined : last;
}

function devicesOf(members: Row | null): DeviceAnswer['memberDevices'] {
  const devices = (members?.devices ?? []) as readonly { deviceId: string; class: string }[];
  return devices.map(({ deviceId, class: of }) => ({ deviceId, class: of }));
}

function presenceOf(row: Row | null): DeviceAnswer['presence'] {
  if (row === null) return null;
  return { gatewayId: String(row.gatewayId), connectedAt: Number(row.connectedAt) };
}

async function inboxOf(
  { schemas, clock, plan }: DeviceParts,
  inbox: InboxStore,
  owner: Row,
): Promise<InboxAnswer> {
  const deviceId = String(owner.deviceId);
  const epoch = Number(owner.epoch);
  const { priorities } = inbox;
  const text = await inbox.acknowledged(deviceId, epoch);
  const cursor =
    (text === null ? undefined : parseCursorOf(text, priorities)) ??
    emptyCursor(epoch, 0, priorities);
  const page = await readUncovered(inbox, deviceId, cursor, INBOX_BOUNDS);
  const eventOf = payloadService(schemas, clock);
  const names = useCaseNames(plan);
  const rows: InboxAnswer['rows'][number][] = [];
  for (const one of page.rows) {
    const { id, priority, sequence, born, deadline, useCase } = one;
    const event = shownValue(await eventOf(one));
    const name = names.get(useCase) ?? useCase;
    rows.push({ id, priority, sequence, useCase: name, born, deadline, event });
  }
  return { rows, more: page.more };
}
