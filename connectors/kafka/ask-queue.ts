/**
 * One question at a time. kafkajs' admin keeps one list of topics for all its calls, and a call
 * that overlaps another may find its own topic missing there: it then tells of no partitions, as if
 * nothing had ever been committed (seen: everything was read again). Equal questions that wait are
 * one, so that what is asked every few seconds does not pile up while the brokers are away.
 */
export class AskQueue {
  readonly #waiting = new Map<string, Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();

  /** The answer to `ask`, or to an equal question that had not been asked yet. */
  ask<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(question);
    if (waiting !== undefined) return waiting as Promise<T>;
    const answer = this.#last.then(() => {
      // What is under way is not shared: its answer may be older than who asks now.
      this.#waiting.delete(question);
      return ask();
    });
    this.#waiting.set(question, answer);
    this.#last = answer.catch(() => {});
    return answer;
  }
}
