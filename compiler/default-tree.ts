/** Defaults of options, which are read as what is written is. */
import type { Span } from './report.ts';
import type { ScalarTree, Tree } from './tree.ts';

/** A default in the form that a file would have. */
export function treeOf(value: unknown, span: Span): Tree {
  if (Array.isArray(value)) {
    return { kind: 'list', span, items: value.map((item) => treeOf(item, span)) };
  }
  const scalar = value as ScalarTree['value'];
  return { kind: 'scalar', span, value: scalar, expanded: false, told: false, textStart: -1 };
}
