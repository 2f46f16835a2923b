/** Writes code of ops with one argument each, and fills in places that are known only later. */
export class CodeWriter {
  readonly #code: number[] = [];
  /** Where the last op stands, if the next may be joined with it. */
  #last = -1;

  get length(): number {
    return this.#code.length;
  }

  /** Gives the place of its argument. */
  op(op: number, argument: number): number {
    this.#last = this.#code.length;
    this.#code.push(op, argument);
    return this.#last + 1;
  }

  /** Adds to the count of the last op, where that is the same. */
  count(op: number, count: number): void {
    if (this.#last >= 0 && this.#code[this.#last] === op) this.#code[this.#last + 1]! += count;
    else this.op(op, count);
  }

  /** Room for the places of a union's branches; gives where it begins. */
  places(count: number): number {
    const at = this.#code.length;
    for (let n = 0; n < count; n++) this.#code.push(0);
    this.#last = -1;
    return at;
  }

  /** Makes the place `at` lead to what is written next. */
  lead(at: number): void {
    this.#code[at] = this.#code.length;
    this.#last = -1;
  }

  done(): Int32Array {
    return Int32Array.from(this.#code);
  }
}
