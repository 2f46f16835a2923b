/** An expression where it stands: compiled, and told of at its very characters. */
import type { CelCompiler, ResolvedExpression } from './cel.ts';
import type { Known } from './cel-facts.ts';
import type { ExpressionFault } from './cel-faults.ts';
import type { Report, Span } from './report.ts';
import { type Shape, shapeName, withoutNull } from './shape.ts';
import type { ScalarTree } from './tree.ts';

export interface ExpressionScope {
  readonly report: Report;
  readonly cel: CelCompiler;
  readonly shape: Shape;
  /** What steps before it have made sure of; undefined: nothing. */
  readonly known?: Known;
}

/** Compiles the expression at `tree`, or tells what is wrong in it, at its very place. */
export function resolveExpression(
  scope: ExpressionScope,
  subject: string,
  tree: ScalarTree,
): ResolvedExpression | undefined {
  const result = scope.cel.compile(String(tree.value), scope.shape, scope.known);
  if ('expression' in result) {
    for (const warning of result.warnings) {
      const span = faultSpan(tree, warning);
      scope.report.warning(warning.code, span, `${subject}: ${warning.what}`, warning.mend);
    }
    return result;
  }
  for (const fault of [result, ...result.others]) {
    const { code, what, mend } = fault;
    scope.report.error(code, faultSpan(tree, fault), `${subject}: ${what}`, mend);
  }
  return undefined;
}

function faultSpan(tree: ScalarTree, { at }: Pick<ExpressionFault, 'at'>): Span {
  if (at === undefined || tree.textStart < 0) return tree.span;
  const start = tree.textStart + at.start;
  return { start, end: Math.max(tree.textStart + at.end, start + 1) };
}

/** What may be null or is of a union shows its type only in the record. */
export function isPredicate({ type, shape }: ResolvedExpression): boolean {
  if (type === 'bool') return true;
  const of = withoutNull(shape);
  if (type !== 'dyn') return false;
  return of.kind === 'any' ? (of.of?.some(isBool) ?? true) : isBool(of);
}

const isBool = ({ kind }: Shape) => kind === 'bool' || kind === 'any';

export function givenBy({ type, shape }: ResolvedExpression): string {
  if (type !== 'dyn') return type;
  return shape.kind === 'any' && shape.branches !== undefined
    ? `a union of ${shape.branches.join(', ')}`
    : shapeName(shape);
}
