/** Finds the test that notices a fault. */
import { type Answer, type Timed, Witness } from './witnesses.ts';

export interface Seen extends Timed {
  readonly file: string;
  readonly met: ReadonlySet<number>;
}

export class Judge {
  readonly #root: string;
  readonly #files: readonly string[];
  readonly #budgetMs: number;
  readonly #witness: Witness;
  /** Every test that passes when nothing is wrong, the quickest first. */
  #tests: Seen[] = [];
  /** What is come by while files are loaded, outside of any test. */
  #metAtLoad: ReadonlySet<number> = new Set();

  constructor(root: string, files: readonly string[], budgetMs: number) {
    this.#root = root;
    this.#files = files;
    this.#budgetMs = budgetMs;
    this.#witness = new Witness(root, files);
  }

  /** Runs every test as it is. One that fails then would notice everything: it is left out. */
  async look(tell: (line: string) => void): Promise<void> {
    const names: { name: string; file: string }[] = [];
    const loaded = await this.#witness.load(null, (answer) => {
      if (answer.kind === 'loaded') {
        if (answer.error !== null) tell(`${answer.file} cannot be loaded: ${answer.error}`);
        names.push(...answer.tests.map((name) => ({ name, file: answer.file })));
      }
      if (answer.kind === 'done') this.#metAtLoad = new Set(answer.met);
    });
    // Without tests everything would survive.
    if (loaded !== null) throw new Error(`The tests cannot be loaded: the process ${loaded}.`);
    const fileOf = new Map(names.map(({ name, file }) => [name, file]));
    for (let waiting = names; waiting.length > 0; ) {
      const done = new Set<string>();
      const fate = await this.#run(waiting, null, (answer) => {
        if (answer.kind !== 'ran') return;
        const { name, ms, met, error } = answer;
        done.add(name);
        if (error !== null) tell(`${name} fails as it is, and is left out: ${error}`);
        else this.#tests.push({ name, usualMs: ms, met: new Set(met), file: fileOf.get(name)! });
      });
      const at = waiting.findIndex(({ name }) => !done.has(name));
      if (fate !== null && at >= 0) tell(`${waiting[at]!.name} ${fate}, and is left out`);
      waiting = at < 0 ? [] : waiting.slice(at + 1);
    }
    this.#tests.sort((a, b) => a.usualMs - b.usualMs);
    const allMs = this.#tests.reduce((sum, { usualMs }) => sum + usualMs, 0);
    tell(`${this.#tests.length} tests, ${Math.round(allMs / 1_000)} s`);
  }

  /** What noticed it; null: nothing did. `near` are test files, the nearest first. */
  async noticedBy(fault: number, near: readonly string[]): Promise<string | null> {
    const meeting = this.#withinBudget(this.#tests.filter(({ met }) => met.has(fault)));
    const noticed = await this.#warm(fault, meeting);
    if (noticed !== null) return noticed;
    if (!this.#metAtLoad.has(fault)) return null;
    const all = near.flatMap((file) => this.#tests.filter((one) => one.file === file));
    return await this.#fresh(fault, this.#withinBudget(all));
  }

  end(): void {
    this.#witness.end();
  }

  #withinBudget(tests: readonly Seen[]): readonly Seen[] {
    let leftMs = this.#budgetMs;
    return tests.filter(({ usualMs }) => {
      leftMs -= usualMs;
      return leftMs > 0;
    });
  }

  async #run(
    tests: readonly { readonly name: string; readonly usualMs?: number }[],
    fault: number | null,
    see: (answer: Answer) => void,
  ): Promise<string | null> {
    if (!this.#witness.isRunning) await this.#witness.load(null, () => {});
    const timed = tests.map(({ name, usualMs }) => ({ name, usualMs: usualMs ?? 6_000 }));
    return await this.#witness.run(timed, fault, see);
  }

  async #warm(fault: number, tests: readonly Seen[]): Promise<string | null> {
    let isSpoilt = '';
    for (let waiting = tests; waiting.length > 0; ) {
      const { failed, passed, fate } = await this.#failing(waiting, fault);
      if (fate !== null) return `${waiting[passed]?.name ?? 'the process'} (${fate})`;
      if (failed === null) return null;
      const one = waiting[passed]!;
      if (one.name === isSpoilt || (await this.#passes(one))) return failed;
      // It fails without the fault too: was the process spoilt by one before, or is it the test?
      this.#witness.end();
      if (!(await this.#passes(one))) {
        this.#tests = this.#tests.filter(({ name }) => name !== one.name);
        waiting = waiting.slice(passed + 1);
      } else {
        // It may be this fault that spoils the process: once more in a new one, and it has noticed.
        isSpoilt = one.name;
        waiting = waiting.slice(passed);
      }
    }
    return null;
  }

  async #failing(tests: readonly Timed[], fault: number | null) {
    let failed: string | null = null;
    let passed = 0;
    const fate = await this.#run(tests, fault, (answer) => {
      if (answer.kind !== 'ran') return;
      if (answer.error === null) passed++;
      else failed = `${answer.name}: ${answer.error.split('\n', 1)[0]}`;
    });
    return { failed, passed, fate };
  }

  async #passes(test: Timed): Promise<boolean> {
    const { failed, fate } = await this.#failing([test], null);
    return failed === null && fate === null;
  }

  async #fresh(fault: number, tests: readonly Seen[]): Promise<string | null> {
    const files = this.#files.filter((file) => tests.some((one) => one.file === file));
    const witness = new Witness(this.#root, files);
    try {
      let noticed: string | null = null;
      const loaded = await witness.load(fault, (answer) => {
        if (answer.kind === 'loaded' && answer.error !== null) noticed ??= `${answer.file} (load)`;
      });
      if (loaded !== null) return `loading ${loaded}`;
      if (noticed !== null) return noticed;
      const fate = await witness.run(tests, fault, (answer) => {
        if (answer.kind === 'ran' && answer.error !== null) noticed = `${answer.name} (fresh)`;
      });
      return noticed ?? fate;
    } finally {
      witness.end();
    }
  }
}
