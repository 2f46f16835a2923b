/**
 * Holds commits back while a member joins anew: what is committed in one generation must be done in
 * it, and what is committed in the next must be this member's there.
 *
 *   open ──shut()──▶ shut ──open()──▶ open
 *        ──lost()──▶ nothing that was begun before it is committed any more
 */
import { CarillonError } from '../../core/error.ts';

export class GenerationGate {
  readonly #at: string;
  /** Counts the times that the member was out of its group. */
  #stays = 0;
  #shut: { readonly passed: Promise<void>; readonly pass: () => void } | null = null;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(at: string) {
    this.#at = at;
  }

  /**
   * Runs a commit within one generation; waits for it. One at a time. Rejects with CAR643 when the
   * member was out of its group meanwhile.
   */
  async within<T>(commit: () => Promise<T>): Promise<T> {
    const stays = this.#stays;
    while (this.#shut !== null) await this.#shut.passed;
    if (this.#stays !== stays) throw this.#gone();
    const done = commit();
    this.#underWay = done.catch(() => {});
    return done;
  }

  /** Nothing begins any more; resolves when what is under way has ended. */
  async shut(): Promise<void> {
    if (this.#shut === null) {
      let pass: () => void = () => {};
      const passed = new Promise<void>((resolve) => {
        pass = resolve;
      });
      this.#shut = { passed, pass };
    }
    await this.#underWay;
  }

  /** A generation holds: what waits goes on. */
  open(): void {
    this.#shut?.pass();
    this.#shut = null;
  }

  /** What waits is refused, and so is what comes before the gate is opened again. */
  lost(): void {
    this.#stays++;
    this.open();
  }

  #gone(): CarillonError {
    return new CarillonError('CAR643', `The member of "${this.#at}" was out of its group.`, {
      where: { at: this.#at },
    });
  }
}
