/**
 * What stands against the log, told once in the log when it comes up and kept for health: the
 * port's `troubles`.
 */
import type { Diagnostic } from '../../core/error.ts';
import { ERROR_TABLE, type ErrorCode } from '../../core/error-table.ts';
import type { KafkaLogger } from './client.ts';

/** More than topics and groups of a deployment ever make; the oldest goes then. */
const TROUBLES_MAX = 1_000;

export class Troubles {
  readonly #logger: KafkaLogger;
  readonly #standing = new Map<string, Diagnostic>();

  constructor(logger: KafkaLogger) {
    this.#logger = logger;
  }

  /** Stands under `key` until it is lifted; said when it is new, or says something else. */
  raise(
    key: string,
    trouble: { code: ErrorCode; level: Diagnostic['level']; what: string; at: string },
  ): void {
    const { code, level, what, at } = trouble;
    const before = this.#standing.get(key);
    this.#standing.set(key, { code, level, what, where: { at }, mend: ERROR_TABLE[code].mend });
    if (before?.what === what) return;
    const facts = { code, at, what };
    if (level === 'error') this.#logger.error(facts, 'Kafka needs attention.');
    else this.#logger.warn(facts, 'Kafka needs attention.');
    const oldest = this.#standing.keys().next();
    if (this.#standing.size > TROUBLES_MAX && !oldest.done) this.#standing.delete(oldest.value);
  }

  lift(key: string): void {
    const before = this.#standing.get(key);
    if (before === undefined) return;
    this.#standing.delete(key);
    const facts = { code: before.code, at: before.where.at, what: before.what };
    this.#logger.info(facts, 'It is over.');
  }

  list(): readonly Diagnostic[] {
    return [...this.#standing.values()];
  }
}
