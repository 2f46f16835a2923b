/** The fenced blocks of a Markdown page. */

export interface Block {
  readonly page: string;
  /** Page and line, for who mends it. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

/** Those without a language show what is printed, and are nobody's to copy. */
export function blocksOf(page: string, markdown: string): Block[] {
  return [...markdown.matchAll(/^( *)```(\w+)[^\n]*\n([\s\S]*?)^ *```$/gm)].map((found) => {
    const [, indent, language, text] = found;
    const line = markdown.slice(0, found.index).split('\n').length;
    return {
      page,
      place: `${page}:${line}`,
      language: language!,
      text: text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    };
  });
}
