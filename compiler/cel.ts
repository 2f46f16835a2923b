/**
 * CEL expressions over `value`, `key` and `timestamp`: parsed, checked against the schema's shape
 * when the file is loaded, made into a function. The library is loaded when the first expression is
 * met.
 */
import { createRequire } from 'node:module';
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import type { Record } from '../core/record.ts';
import type { Expression } from '../core/spec.ts';
import { BranchChecks } from './cel-branches.ts';
import { constantFaults, nodeFaults } from './cel-checks.ts';
import { chosenShape } from './cel-chosen.ts';
import { constantOf, constantParts, truthOf } from './cel-constant.ts';
import type { Asked } from './cel-contradictions.ts';
import { readsEvent, withEvent, withEventShape } from './cel-event.ts';
import { type Known, knownWhen, NONE } from './cel-facts.ts';
import { type ExpressionFault, memberMeant, VARIABLES } from './cel-faults.ts';
import { mayGiveNull } from './cel-null-results.ts';
import { type NullWarning, nullWarnings } from './cel-nulls.ts';
import { parseExpression } from './cel-parse.ts';
import { type Reads, readsOf, shapeOfPath } from './cel-paths.ts';
import { plainEvaluator } from './cel-plain.ts';
import { typeFaults } from './cel-type-faults.ts';
import { fromCel, Views } from './cel-views.ts';
import { withLiterals } from './literals.ts';
import { ANY_SHAPE, type Shape } from './shape.ts';

type Library = typeof import('@marcbachmann/cel-js');

export interface ResolvedExpression {
  readonly expression: Expression<unknown>;
  /** CEL's name of its type: `bool`, `string`, `dyn` … */
  readonly type: string;
  readonly shape: Shape;
  /** The top-level fields that it reads; `*`: all. */
  readonly fields: ReadonlySet<string>;
  /** Its value, when it reads nothing of a record. */
  readonly constant: unknown;
  /** It can be used, and hardly does what is meant. */
  readonly warnings: readonly NullWarning[];
  /** What is known of a record for which it gives true. */
  readonly holds: Known;
  /** And of one for which it gives false. */
  readonly fails: Known;
  /** It may give null, whatever its shape says. */
  readonly isNullable: boolean;
}

/** The first fault, and those that do not follow from it. */
export type Refused = ExpressionFault & { readonly others: readonly ExpressionFault[] };

/** Far above what a person writes; a bound on what one file can cost. */
const LIMITS = { maxAstNodes: 1000, maxDepth: 50, maxListElements: 500 };

let library: Library | undefined;

function celLibrary(): Library {
  library ??= createRequire(import.meta.url)('@marcbachmann/cel-js') as Library;
  return library;
}

type Checked = ReturnType<ParseResult['check']>;

interface Typed {
  readonly env: Environment;
  readonly view: (value: unknown) => unknown;
}

/** The typed environments of one compilation: making one costs more than an expression. */
export class CelCompiler {
  readonly #typed = new Map<Shape, Typed>();

  /** `before`: what steps before it have made sure of. */
  compile(source: string, of: Shape, before = NONE): ResolvedExpression | Refused {
    const shape = withEventShape(of);
    const { env, view } = this.#typedOf(shape);
    const { program, faults: unread, back } = parseExpression(env, source, shape);
    if (program === undefined) return refused(source, unread)!;
    const { ast } = program;
    const checked = program.check();
    const { serialize } = celLibrary();
    const asked: Asked = { shape, evaluate: (part) => this.#evaluate(part), serialize };
    const { faults, nulls } = this.#judge(ast, env, asked, checked, before);
    const placed = faults.map(({ at, ...fault }) => ({
      ...fault,
      at: at && { start: back(at.start), end: back(at.end) },
    }));
    const fault = refused(source, [...unread, ...placed]);
    if (fault !== undefined) return fault;
    const reads = readsOf(program.ast);
    const isOfEvent = readsEvent(of, reads.fields);
    const evaluate = evaluator(
      program,
      isOfEvent ? (value) => view(withEvent(value)) : view,
      reads,
      checked.type === 'bool',
    );
    const expression: Expression<unknown> = {
      source,
      evaluate: isOfEvent ? evaluate : plainEvaluator(ast, of, evaluate),
    };
    const type = checked.type ?? 'dyn';
    const constant = constantOf(expression, reads) ?? truthOf(ast, asked);
    const fields = reads.fields;
    return {
      expression,
      type,
      fields,
      constant,
      warnings: [
        ...nulls,
        // Of what is always the same the parts say nothing more.
        ...(constant === undefined ? this.#idleParts(ast, asked, source) : []),
      ],
      holds: knownWhen(ast, true),
      fails: knownWhen(ast, false),
      isNullable: mayGiveNull(ast, shape, before),
      shape: withLiterals(
        shapeOfPath(ast, shape) ?? chosenShape(ast, shape, asked.evaluate) ?? shapeOfType(type),
        program.ast,
        (part) => this.#evaluate(part),
      ),
    };
  }

  /** All that is wrong, and what fails on some records only. */
  #judge(ast: ASTNode, env: Environment, asked: Asked, checked: Checked, before: Known) {
    const { shape, evaluate, serialize } = asked;
    const own = nodeFaults(ast, shape, evaluate);
    const nulls = nullWarnings(ast, shape, new BranchChecks(celLibrary()), before, own);
    const never = nulls.filter(({ code }) => code === 'CAR311');
    const known = new Set([...own.keys(), ...never.flatMap(({ node }) => node ?? [])]);
    const check = { root: ast, env, shape, error: checked.error, known, serialize };
    const more = checked.valid
      ? constantFaults(ast, own, (part) => this.#failure(part))
      : typeFaults(check);
    const faults: ExpressionFault[] = [...[...own.values()].flat(), ...never, ...more];
    return { faults, nulls };
  }

  #idleParts(node: ASTNode, asked: Asked, source: string): NullWarning[] {
    return constantParts(node, asked).map(({ value, at }) => ({
      code: 'CAR246',
      what: `${source.slice(at.start, at.end)} is always ${value}, so it decides nothing.`,
      mend: 'Take it out, or write what was meant.',
      at,
    }));
  }

  /** A part that reads nothing of a record; undefined: it fails. */
  #evaluate(node: ASTNode): unknown {
    try {
      return celLibrary().evaluate(celLibrary().serialize(node));
    } catch {
      return undefined;
    }
  }

  #failure(node: ASTNode): string | undefined {
    try {
      celLibrary().evaluate(celLibrary().serialize(node));
      return undefined;
    } catch (error) {
      const { summary, message } = error as Error & { readonly summary?: string };
      return (summary ?? message.split('\n')[0]!).replace(/\.$/, '');
    }
  }

  #typedOf(shape: Shape): Typed {
    let typed = this.#typed.get(shape);
    if (typed === undefined) {
      const env = new (celLibrary().Environment)({ limits: LIMITS });
      const views = new Views(env);
      env.registerVariable('value', views.typeOf(shape));
      env.registerVariable('key', 'string');
      env.registerVariable('timestamp', 'int');
      typed = { env, view: views.converter(shape) };
      this.#typed.set(shape, typed);
    }
    return typed;
  }
}

/** In the order of the source; undefined: nothing is wrong. */
function refused(source: string, faults: readonly ExpressionFault[]): Refused | undefined {
  const [first, ...others] = faults
    .map(({ code, what, mend, at }) => ({
      ...{ code, what, at },
      mend: mend ?? memberMeant(source, { what, at }),
    }))
    .sort((a, b) => (a.at?.start ?? 0) - (b.at?.start ?? 0));
  return first && { ...first, others };
}

function evaluator(
  program: ParseResult,
  view: (value: unknown) => unknown,
  { variables }: Reads,
  isBool: boolean,
): (record: Record) => unknown {
  const [value, key, timestamp] = VARIABLES.map((name) => variables.has(name));
  const run = (record: Record) =>
    program({
      value: value ? view(record.value) : undefined,
      key: key ? (record.key ?? '') : undefined,
      timestamp: timestamp ? BigInt(record.timestamp) : undefined,
    });
  return isBool ? run : (record) => fromCel(run(record));
}

const TYPE_SHAPES: { readonly [type: string]: Shape } = {
  int: { kind: 'int' },
  double: { kind: 'double' },
  string: { kind: 'string' },
  bool: { kind: 'bool' },
  bytes: { kind: 'bytes' },
  null: { kind: 'null' },
};

function shapeOfType(type: string): Shape {
  return TYPE_SHAPES[type] ?? ANY_SHAPE;
}
