/** `collapse:` of a lane target: of notifications with the same values only the newest is shown. */
import type { ValueKind } from '../core/value-kind.ts';
import type { Scope } from './declarations.ts';
import { type ResolvedPath, resolvePath } from './field-path.ts';
import { isMisfit } from './path-kinds.ts';
import { emptyMend, headOf, isBlank, isTold, kindOf, type Section } from './section.ts';
import type { Shape } from './shape.ts';

/** What makes a text of its own for each value: the key is put together of these. */
const COLLAPSED: readonly ValueKind[] = ['string', 'enum', 'int', 'double', 'bool'];

export function collapsePaths(
  { report }: Pick<Scope, 'report'>,
  section: Section,
  shape: Shape,
): ResolvedPath[] {
  const found: ResolvedPath[] = [];
  for (const item of section.list('collapse')?.items ?? []) {
    const subject = `${section.subject}, collapse`;
    if (isTold(item)) continue;
    if (item.kind !== 'scalar' || typeof item.value !== 'string' || isBlank(item)) {
      report.error(
        'CAR103',
        headOf(item),
        `${subject}: ${kindOf(item)} is not a path.`,
        emptyMend(item) ?? 'Write [value.eventId].',
      );
      continue;
    }
    const text = { value: item.value, span: item.span };
    const path = resolvePath(report, subject, text, shape);
    if (path === undefined) continue;
    if (found.some(({ reader }) => reader.path === path.reader.path)) {
      report.warning('CAR246', text.span, `${subject}: ${text.value} stands twice.`);
    }
    if (!isMisfit(report, subject, text, path.shape, COLLAPSED, shape)) found.push(path);
  }
  return found;
}
