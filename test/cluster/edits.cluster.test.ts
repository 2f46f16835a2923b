/** Edits of a topology on a real broker: the rows of the table that move, read on, drain or drop. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import type { EditableLog } from '../../core/log.ts';
import { EDITS, editCases } from '../contract/edits.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';

const run = `w${process.pid.toString(36)}${Date.now().toString(36)}`;

/** The others ask nothing more of a log. */
const ROWS = [
  'another priority: goes on where it was, dedup goes along',
  'there and back again: the state of the second time, not of the first',
  'another priority while events are held: they go along, and come at their time',
  'to where others read the same topic, which are further: each goes on where it was',
  'an exception taken out: its state is the other one’s now, what it held is let go',
  'start: earliest, beside a stream that is at the end',
  'start: a duration: what came since then',
  'the very first start at a topic that has events: by default none of before',
  'a timed step taken out, --drain: what it held goes through what follows',
  'a stream removed, --drop: held and unread are counted',
  'a stream removed with its priority, and with events that it has not read',
];

describe('edits of a topology on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let logs = 0;
  const open = (dataPlane: 'batches' | 'kafkajs' = 'batches'): Promise<EditableLog> =>
    openKafkaLog({ brokers: servers.kafka, clientId: run, replicationFactor: 1, dataPlane });

  before(async () => {
    servers = await sharedServers(['kafka']);
  });
  after(async () => servers?.stop());

  const chosen = EDITS.filter(({ what }) => ROWS.includes(what));
  test('the rows are all there', () => assert.equal(chosen.length, ROWS.length));
  editCases(
    'Kafka',
    () => open(),
    chosen,
    () => `${run}-${++logs}`,
  );
  editCases(
    'Kafka, kafkajs',
    () => open('kafkajs'),
    chosen.slice(0, 1),
    () => `${run}-${++logs}`,
  );
});
