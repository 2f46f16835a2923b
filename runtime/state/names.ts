/** Texts of which there are few (topics), as numbers: each is kept once. 0 is the empty text. */
export class Names {
  readonly #texts: string[] = [''];
  readonly #numbers = new Map<string, number>([['', 0]]);
  #last = '';
  #lastNumber = 0;

  text(number: number): string {
    return this.#texts[number]!;
  }

  number(text: string): number {
    if (text === this.#last) return this.#lastNumber;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    this.#last = text;
    this.#lastNumber = number;
    return number;
  }

  /** That of a text in bytes; mostly it is the same as the last, and then none is made. */
  numberOf(bytes: Buffer, start: number, end: number): number {
    const last = this.#last;
    if (last.length !== end - start) return this.number(bytes.toString('utf8', start, end));
    for (let i = 0; i < last.length; i++) {
      const code = last.charCodeAt(i);
      if (code !== bytes[start + i] || code >= 0x80) {
        return this.number(bytes.toString('utf8', start, end));
      }
    }
    return this.#lastNumber;
  }
}
