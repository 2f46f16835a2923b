/**
 * A task's port without a log: it hands out what it was given, in order; commits are for others.
 */
import type { CommitUnit, LogBatch, TaskPort, UnitPort } from '../core/log.ts';

export abstract class WaitingPort implements TaskPort, UnitPort {
  readonly partition = 0;
  readonly unit = this;
  readonly givesBack = true;
  readonly #waiting = new Map<string, LogBatch[]>();
  failure: Error | null = null;

  abstract commit(unit: CommitUnit): undefined;

  committedMetadata(): string {
    return '';
  }

  give(batch: LogBatch): void {
    const waiting = this.#waiting.get(batch.topic);
    if (waiting === undefined) this.#waiting.set(batch.topic, [batch]);
    else waiting.push(batch);
  }

  take(topic: string): LogBatch | undefined {
    return this.#waiting.get(topic)?.shift();
  }

  isAtEnd(topic: string): boolean {
    return (this.#waiting.get(topic)?.length ?? 0) === 0;
  }

  fail(error: Error): void {
    this.failure = error;
  }
}
