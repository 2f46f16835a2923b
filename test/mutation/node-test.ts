/**
 * Stands for `node:test` in the process that is shown faults: what a file registers is kept, so
 * that a single test can be run again and again.
 */
import { mock } from 'node:test';

type Body = (context: Context) => unknown;
type Hook = () => unknown;
type Moment = 'before' | 'beforeEach' | 'afterEach';
type Tracker = typeof mock;

/** A file, or a `describe` in it. */
interface Scope {
  readonly parent: Scope | null;
  readonly hooks: { readonly [moment in Moment]: Hook[] };
}

export interface Registered {
  readonly scope: Scope;
  readonly name: string;
  readonly body: Body;
}

const newTracker = () => new (mock.constructor as new () => Tracker)();
const newScope = (parent: Scope | null): Scope => {
  return { parent, hooks: { before: [], beforeEach: [], afterEach: [] } };
};

let scope = newScope(null);
let registered: Registered[] = [];

/** What a file registers while it is loaded. */
export async function registeredBy(load: () => Promise<unknown>): Promise<readonly Registered[]> {
  scope = newScope(null);
  registered = [];
  await load();
  return registered;
}

const hook = (moment: Moment) => (run: Hook) => {
  scope.hooks[moment].push(run);
};
export const before = hook('before');
export const after = (_run: Hook) => {};
export const beforeEach = hook('beforeEach');
export const afterEach = hook('afterEach');
export { mock };

export function test(name: string, ...rest: readonly unknown[]): void {
  const [options, body] = rest.length > 1 ? rest : [{}, rest[0]];
  const { skip } = options as { readonly skip?: unknown };
  if (skip === undefined || skip === false) registered.push({ scope, name, body: body as Body });
}

export function describe(_name: string, ...rest: readonly unknown[]): void {
  const [options, body] = rest.length > 1 ? rest : [{}, rest[0]];
  const { skip } = options as { readonly skip?: unknown };
  if (skip !== undefined && skip !== false) return;
  scope = newScope(scope);
  (body as () => void)();
  scope = scope.parent!;
}

class Context {
  readonly mock = newTracker();
  readonly signal = new AbortController().signal;
  readonly name: string;
  readonly #after: Hook[] = [];

  constructor(name: string) {
    this.name = name;
  }

  after(run: Hook): void {
    this.#after.push(run);
  }

  diagnostic(): void {}

  async test(name: string, ...rest: readonly unknown[]): Promise<void> {
    const context = new Context(name);
    await context.run(rest.at(-1) as Body);
  }

  async run(body: Body): Promise<void> {
    try {
      await body(this);
    } finally {
      this.mock.reset();
      for (const end of this.#after) await end();
    }
  }
}

const scopesOf = (inner: Scope | null): Scope[] =>
  inner === null ? [] : [...scopesOf(inner.parent), inner];

/**
 * Throws what the test, or one of the hooks around it, throws. What comes before all tests of a
 * scope is done once, what comes after them never: any of them may be run again.
 */
export async function runOne({ scope, name, body }: Registered): Promise<void> {
  const scopes = scopesOf(scope);
  for (const { hooks } of scopes) for (const begin of hooks.before.splice(0)) await begin();
  for (const { hooks } of scopes) for (const begin of hooks.beforeEach) await begin();
  try {
    await new Context(name).run(body);
  } finally {
    for (const { hooks } of scopes.toReversed()) for (const end of hooks.afterEach) await end();
  }
}
