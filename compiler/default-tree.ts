/** Defaults of options, which are read as what is written is. */
import type { Option } from '../core/spec.ts';
import type { Words } from '../core/words.ts';
import type { Span } from './report.ts';
import type { ScalarTree, Tree } from './tree.ts';

/** A default in the form that a file would have. */
function treeOf(value: unknown, span: Span): Tree {
  if (Array.isArray(value)) {
    return { kind: 'list', span, items: value.map((item) => treeOf(item, span)) };
  }
  const scalar = value as ScalarTree['value'];
  return { kind: 'scalar', span, value: scalar, expanded: false, told: false, textStart: -1 };
}

/** A path to the member is by the topology's own word. */
export function defaultOf(option: Option<unknown>, { fields }: Words, span: Span): Tree {
  if (option.names !== 'member') return treeOf(option.fallback, span);
  const tree = treeOf(`value.${fields.member}`, span) as ScalarTree;
  // That the word is broken was told.
  return fields.member === '' ? { ...tree, told: true } : tree;
}
