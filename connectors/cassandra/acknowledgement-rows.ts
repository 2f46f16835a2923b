/**
 * Acknowledgements in Cassandra. Nothing is read before a write, and no write can undo another:
 * each process has rows of its own, which only grow, and a read merges those of all. A process
 * remembers what it wrote for the devices of late; for one that it has forgotten it begins a new
 * row under a new name. A read that finds many rows folds them into one.
 */
import type { types } from 'cassandra-driver';
import {
  type Cursor,
  emptyCursor,
  formatCursor,
  merge,
  mergedText,
  parseCursorOf,
} from '../../core/cursor.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import type { Statements } from './tables.ts';

/** Devices whose row is remembered; about 1 KB each. Beyond it: the one of longest ago. */
const REMEMBERED_MAX = 20_000;
/** Rows of a device above which a read folds them. */
const FOLD_ABOVE = 4;
/** Rows of one read: 4, and those of as many processes as can write at one time. */
export const ACKNOWLEDGEMENT_ROWS_MAX = 1_000;

interface OwnRow {
  readonly writer: string;
  readonly cursor: Cursor;
}

type Execute = (query: string, params: unknown[]) => Promise<types.Row[]>;

export class AcknowledgementRows {
  readonly #cql: Statements;
  readonly #priorities: Priorities;
  readonly #newWriter: () => string;
  readonly #execute: Execute;
  readonly #rememberedMax: number;
  readonly #own = new Map<string, OwnRow>();

  constructor(
    cql: Statements,
    newWriter: () => string,
    execute: Execute,
    priorities: Priorities = RENO_PRIORITIES,
    rememberedMax = REMEMBERED_MAX,
  ) {
    this.#priorities = priorities;
    this.#cql = cql;
    this.#newWriter = newWriter;
    this.#execute = execute;
    this.#rememberedMax = rememberedMax;
  }

  async add(deviceId: string, epoch: number, text: string): Promise<void> {
    const { writer, cursor } = this.#ownRow(deviceId, epoch);
    const added = parseCursorOf(text, this.#priorities);
    if (added === undefined || !merge(cursor, added)) {
      throw new TypeError('an acknowledgement is a cursor of its epoch');
    }
    await this.#execute(this.#cql.acknowledge, [deviceId, epoch, writer, formatCursor(cursor)]);
  }

  async read(deviceId: string, epoch: number): Promise<string | null> {
    const rows = await this.#execute(this.#cql.acknowledged, [deviceId, epoch]);
    let merged: string | null = null;
    for (const row of rows)
      merged = mergedText(merged, row.get('cursor') as string, this.#priorities);
    // Who reads need not wait for it; what fails is folded at a later read.
    if (rows.length > FOLD_ABOVE) this.#fold(deviceId, epoch, rows, merged!).catch(() => undefined);
    return merged;
  }

  /** All in the row of this process first; then the others go, as they were read. */
  async #fold(
    deviceId: string,
    epoch: number,
    rows: readonly types.Row[],
    merged: string,
  ): Promise<void> {
    await this.add(deviceId, epoch, merged);
    const { writer } = this.#ownRow(deviceId, epoch);
    for (const row of rows) {
      if (row.get('writer') === writer) continue;
      const params = [row.get('written'), deviceId, epoch, row.get('writer')];
      await this.#execute(this.#cql.forget, params);
    }
  }

  #ownRow(deviceId: string, epoch: number): OwnRow {
    const known = this.#own.get(deviceId);
    const isCurrent = known?.cursor.epoch === epoch;
    const row = isCurrent
      ? known
      : { writer: this.#newWriter(), cursor: emptyCursor(epoch, 0, this.#priorities) };
    this.#own.delete(deviceId);
    this.#own.set(deviceId, row);
    if (this.#own.size > this.#rememberedMax) this.#own.delete(this.#own.keys().next().value!);
    return row;
  }
}
