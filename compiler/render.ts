/**
 * Diagnostics as people read them: what, where with line, column and caret, how to mend it, and a
 * code (design.md section 8); and the same as JSON for editors.
 */
import type { Diagnostic } from '../core/error.ts';
import { ERROR_TABLE } from '../core/error-table.ts';

const LINE_NUMBER_CHARS = 7;
/** A source line is cut here, so that one long line does not flood a terminal. */
const SOURCE_CHARS_MAX = 160;

/** One diagnostic after another, with an empty line between; `texts` by file name. */
export function render(
  diagnostics: readonly Diagnostic[],
  texts: ReadonlyMap<string, string>,
): string {
  const hidden = secretLines(diagnostics);
  const lines = new Map([...texts].map(([file, text]) => [file, text.split(/\r?\n/)]));
  return diagnostics
    .map((diagnostic) => {
      const { file, line } = diagnostic.where;
      const source =
        file === undefined || line === undefined || hidden.has(`${file}:${line}`)
          ? undefined
          : lines.get(file)?.[line - 1];
      return renderOne(diagnostic, source);
    })
    .join('\n');
}

/** For editors: an array of objects, one per diagnostic, `endColumn` not included. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  const rows = diagnostics.map(({ code, level, what, where, mend }) => ({
    code,
    slug: ERROR_TABLE[code].slug,
    level,
    what,
    file: where.file,
    line: where.line,
    column: where.column,
    endColumn:
      where.column === undefined ? undefined : where.column + Math.max(where.length ?? 1, 1),
    at: where.at,
    mend,
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

/** A line that holds a secret is not shown, whatever else is wrong in it. */
function secretLines(diagnostics: readonly Diagnostic[]): ReadonlySet<string> {
  return new Set(
    diagnostics
      .filter(({ code }) => code === 'CAR309')
      .map(({ where }) => `${where.file}:${where.line}`),
  );
}

function renderOne(diagnostic: Diagnostic, source: string | undefined): string {
  const { code, level, what, where, mend } = diagnostic;
  const place = [where.file, where.line, where.column].filter((part) => part !== undefined);
  const at = place.length > 0 ? place.join(':') : (where.at ?? 'carillon');
  let text = `${at}  ${level} ${code} ${ERROR_TABLE[code].slug}\n  ${what}\n`;
  if (source !== undefined) text += excerpt(source, where);
  return `${text}  Mend: ${mend}\n`;
}

function excerpt(source: string, where: Diagnostic['where']): string {
  const column = where.column ?? 1;
  // A tab is wider than the space that stands below it.
  const shown = source.slice(0, SOURCE_CHARS_MAX).trimEnd().replaceAll('\t', ' ');
  const number = String(where.line).padStart(LINE_NUMBER_CHARS);
  // A place that spans lines is underlined to the end of its first one.
  const room = Math.max(shown.length - column + 1, 1);
  const carets = '^'.repeat(Math.min(where.length ?? 1, room));
  const margin = ' '.repeat(LINE_NUMBER_CHARS + 1);
  if (column > SOURCE_CHARS_MAX) return `${number} | ${shown} …\n`;
  return `${number} | ${shown}\n${margin}| ${' '.repeat(column - 1)}${carets}\n`;
}
