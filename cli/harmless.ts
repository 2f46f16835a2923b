/**
 * Text of others as a terminal may show it. A key or a field can hold anything, also what moves a
 * cursor, sets a title or turns the direction of writing: such characters are shown as their code.
 * In JSON that is the same text, as they stand nowhere but in its strings.
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Tab and newline stay: in a field's text use `harmlessLine`. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, escaped);
}

/** For one line: no break of any kind. */
export function harmlessLine(text: string): string {
  return harmless(text).replace(/[\t\n]/g, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
