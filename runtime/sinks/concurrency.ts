/**
 * How many deliveries a lane has under way: learnt from the answers, within what the topology
 * allows. Additive increase, multiplicative decrease, judged once a round, which is as many answers
 * as may be in flight: a service that refuses a few calls is no overloaded one.
 */
const ROUND_ANSWERS_MIN = 10;
/** More than this share of a round in trouble: half as many from now on. */
const TROUBLE_SHARE = 0.1;
const STEPS = 32;

export class Concurrency {
  readonly #max: number;
  readonly #step: number;
  #limit: number;
  #answers = 0;
  #troubles = 0;

  constructor(max: number) {
    this.#max = max;
    this.#step = Math.max(1, Math.ceil(max / STEPS));
    this.#limit = max;
  }

  get limit(): number {
    return this.#limit;
  }

  answered(inTrouble: boolean): void {
    this.#answers++;
    if (inTrouble) this.#troubles++;
    if (this.#answers < Math.max(ROUND_ANSWERS_MIN, this.#limit)) return;
    const bad = this.#troubles > this.#answers * TROUBLE_SHARE;
    this.#limit = bad
      ? Math.max(this.#step, Math.floor(this.#limit / 2))
      : Math.min(this.#max, this.#limit + this.#step);
    this.#answers = 0;
    this.#troubles = 0;
  }
}
