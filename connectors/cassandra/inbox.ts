/**
 * The inbox in Cassandra: rule D5's rows, keyed ((device, epoch), priority, sequence).
 *
 * Guarantees: a row that is reported as delivered is readable at the consistency that was set;
 * writing a row twice leaves one. Rows of one device that come in one call go as one unlogged batch
 * of one partition (measured: a third of the client's CPU and three times the rate of single
 * inserts).
 */
import { randomUUID } from 'node:crypto';
import { type Client, types } from 'cassandra-driver';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import { ACKNOWLEDGEMENT_ROWS_MAX, AcknowledgementRows } from './acknowledgement-rows.ts';
import { classify, outcomeOf } from './classify.ts';
import { connect, failureOf } from './connect.ts';
import { InFlight } from './in-flight.ts';
import { type CassandraSettings, type CheckedSettings, checkSettings } from './settings.ts';
import { shutDown } from './shutdown.ts';
import { type Statements, statements } from './tables.ts';

/** A batch of one partition has no size limit of its own, but a request has (16 MiB). */
const BATCH_ROWS_MAX = 50;
const BATCH_BYTES_MAX = 256 * 1024;
/** Sequences are Avro ints. */
const SEQUENCE_MAX = 2 ** 31 - 1;
/** A pull asks for far less; one page, so that no read is ever open-ended. */
const READ_ROWS_MAX = 5_000;
/**
 * Ten years. Cassandra itself takes twenty, but no row may expire after 2038 in its default storage
 * format.
 */
const TTL_MAX_S = 10 * 365 * 24 * 3_600;

/**
 * Opens the inbox: connects, checks the data centre, makes keyspace and tables where they are
 * missing. Errors: CAR620 (no host answers; retryable), CAR621 (data centre), CAR622 (tables
 * missing), CAR624 (refused), CAR625 (settings), CAR626 (login).
 */
export async function openCassandraInbox(
  settings: CassandraSettings,
  clock: Clock,
  priorities: Priorities = RENO_PRIORITIES,
): Promise<InboxStore> {
  const checked = checkSettings(settings);
  return new CassandraInbox(await connect(checked), checked, clock, priorities);
}

export class CassandraInbox implements InboxStore {
  readonly priorities: Priorities;
  readonly #client: Client;
  readonly #settings: CheckedSettings;
  readonly #clock: Clock;
  readonly #cql: Statements;
  readonly #inFlight: InFlight;
  readonly #acknowledgements: AcknowledgementRows;

  constructor(client: Client, settings: CheckedSettings, clock: Clock, priorities: Priorities) {
    this.priorities = priorities;
    this.#client = client;
    this.#settings = settings;
    this.#clock = clock;
    this.#cql = statements(settings.keyspace);
    this.#inFlight = new InFlight(settings.inFlightMax);
    this.#acknowledgements = new AcknowledgementRows(
      this.#cql,
      randomUUID,
      (query, params) => this.#select(query, params, ACKNOWLEDGEMENT_ROWS_MAX),
      priorities,
    );
  }

  async write(rows: readonly InboxRow[]): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome>(rows.length);
    const nowMs = this.#clock.now();
    await Promise.all(
      batchesOf(rows).map((batch) => this.#writeBatch(rows, batch, nowMs, outcomes)),
    );
    return outcomes;
  }

  /** Fills in the outcomes of the rows whose indexes are in `batch`; never throws. */
  async #writeBatch(
    rows: readonly InboxRow[],
    batch: readonly number[],
    nowMs: number,
    outcomes: Outcome[],
  ): Promise<void> {
    const query = this.#cql.insert;
    try {
      const queries = batch.map((index) => ({
        query,
        params: insertParams(rows[index]!, nowMs, this.priorities),
      }));
      await this.#inFlight.run(() =>
        queries.length === 1
          ? this.#client.execute(query, queries[0]!.params)
          : this.#client.batch(queries, { prepare: true, logged: false }),
      );
      for (const index of batch) outcomes[index] = delivered();
    } catch (error) {
      if (batch.length > 1 && classify(error).fate === 'reject') {
        // One bad row must not take its neighbours along: each is tried alone.
        await Promise.all(batch.map((index) => this.#writeBatch(rows, [index], nowMs, outcomes)));
        return;
      }
      for (const index of batch) outcomes[index] = outcomeOf(error);
    }
  }

  async read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): Promise<readonly DeviceNotification[]> {
    const most = Math.min(limit, READ_ROWS_MAX);
    if (most < 1) return [];
    const above = this.priorities.names.map((_, priority) => marks[priority] ?? 0);
    if (above.every((mark) => mark === 0)) {
      const rows = await this.#select(this.#cql.readAll, [deviceId, epoch, most], most);
      return this.#notificationsOf(deviceId, epoch, rows);
    }
    // One slice per priority beside each other: a slice over all would read what was told before.
    const slices = await Promise.all(
      above.map((mark, priority) =>
        mark >= SEQUENCE_MAX
          ? []
          : this.#select(this.#cql.readAbove, [deviceId, epoch, priority, mark, most], most),
      ),
    );
    return this.#notificationsOf(deviceId, epoch, slices.flat().slice(0, most));
  }

  #notificationsOf(deviceId: string, epoch: number, rows: readonly types.Row[]) {
    return rows.map((row) => notificationOf(deviceId, epoch, row, this.priorities));
  }

  acknowledged(deviceId: string, epoch: number): Promise<string | null> {
    return this.#acknowledgements.read(deviceId, epoch);
  }

  acknowledge(deviceId: string, epoch: number, cursor: string): Promise<void> {
    return this.#acknowledgements.add(deviceId, epoch, cursor);
  }

  /** A read that finds nothing, at the consistency of all reads: the ring can answer. */
  async probe(): Promise<void> {
    await this.#select(this.#cql.probe, [], 1);
  }

  async close(): Promise<void> {
    await shutDown(this.#client);
  }

  async #select(query: string, params: unknown[], pageRows: number): Promise<types.Row[]> {
    try {
      const result = await this.#inFlight.run(() =>
        this.#client.execute(query, params, { fetchSize: Math.max(pageRows, 1) }),
      );
      return result.rows ?? [];
    } catch (error) {
      throw requestFailure(error, this.#settings);
    }
  }
}

/** CAR623 when it may work later, else what `failureOf` says. */
function requestFailure(error: unknown, settings: CheckedSettings): CarillonError {
  const { fate, why } = classify(error);
  if (fate !== 'retry') return failureOf(error, settings);
  return new CarillonError('CAR623', `cassandra: ${why}`, {
    where: { at: `cassandra.${settings.keyspace}` },
    retryable: true,
  });
}

/** Indexes of the rows, together by partition (device and epoch), in bounded batches. */
function batchesOf(rows: readonly InboxRow[]): number[][] {
  const batches: number[][] = [];
  const open = new Map<string, { readonly batch: number[]; bytes: number }>();
  for (let index = 0; index < rows.length; index += 1) {
    const { deviceId, epoch, payload } = rows[index]!.notification;
    const key = `${epoch}/${deviceId}`;
    let last = open.get(key);
    const full =
      last !== undefined &&
      (last.batch.length >= BATCH_ROWS_MAX || last.bytes + payload.length > BATCH_BYTES_MAX);
    if (last === undefined || full) {
      last = { batch: [], bytes: 0 };
      open.set(key, last);
      batches.push(last.batch);
    }
    last.batch.push(index);
    last.bytes += payload.length;
  }
  return batches;
}

function insertParams(row: InboxRow, nowMs: number, priorities: Priorities): unknown[] {
  const { notification: told, expiresAt } = row;
  return [
    told.deviceId,
    told.epoch,
    priorities.numberOf(told.priority),
    told.sequence,
    told.id,
    told.previous,
    told.useCase,
    told.deadline,
    // Unset and not null: a null is a tombstone, which every read of the device would have to skip.
    told.collapseKey ?? types.unset,
    told.count,
    told.born,
    told.payloadSchemaId,
    told.payload,
    ttlSeconds(expiresAt, nowMs),
  ];
}

/** At least 1, as 0 would be for ever: a row that is late by now is written and gone at once. */
function ttlSeconds(expiresAt: number, nowMs: number): number {
  return Math.min(TTL_MAX_S, Math.max(1, Math.ceil((expiresAt - nowMs) / 1_000)));
}

function notificationOf(
  deviceId: string,
  epoch: number,
  row: types.Row,
  priorities: Priorities,
): DeviceNotification {
  return {
    id: row.get('id') as string,
    deviceId,
    epoch,
    sequence: row.get('sequence') as number,
    previous: row.get('previous') as number,
    useCase: row.get('use_case') as string,
    priority: priorities.nameOf(row.get('priority') as number),
    deadline: (row.get('deadline') as types.Long).toNumber(),
    collapseKey: row.get('collapse_key') as string | null,
    count: row.get('count') as number,
    born: (row.get('born') as types.Long).toNumber(),
    payloadSchemaId: row.get('payload_schema_id') as number,
    payload: row.get('payload') as Buffer,
  };
}
