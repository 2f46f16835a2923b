/**
 * Use cases that have to be acknowledged (`guarantee: acked`): what the gateway tells a device that
 * comes back, though it has had it, and the table in which everybody else looks up what need not be
 * told again.
 */
import type { Acknowledgement } from '../core/acknowledgement.ts';
import { type Cursor, formatCursor } from '../core/cursor.ts';
import type { Reporter } from './reporter.ts';

export class Guarantee {
  readonly #useCases: ReadonlySet<string>;
  readonly #table: Reporter;
  readonly #clock: { now(): number };

  /** `useCases`: their ids. Without any nothing is written. */
  constructor(useCases: ReadonlySet<string>, table: Reporter, clock: { now(): number }) {
    this.#useCases = useCases;
    this.#table = table;
    this.#clock = clock;
  }

  get isAsked(): boolean {
    return this.#useCases.size > 0;
  }

  asks(useCase: string): boolean {
    return this.#useCases.has(useCase);
  }

  /** The inbox has it; a row that is lost costs a repeat, and no notification. */
  acknowledged(deviceId: string, cursor: Cursor): void {
    if (!this.isAsked) return;
    const { epoch } = cursor;
    const at = this.#clock.now();
    const row: Acknowledgement = { deviceId, epoch, cursor: formatCursor(cursor), at };
    this.#table.report(deviceId, row);
  }

  get lost(): number {
    return this.#table.lost;
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}
