/**
 * The pieces of a picture: boxes, texts and lines as SVG, with colours for light and dark. Nothing
 * is measured: names are set in a fixed width, so that a picture is the same on every machine.
 */

/** Of 12 px monospace, by which boxes are made wide enough: DejaVu Sans Mono has 7.22. */
const MONO_PX = 7.25;
/** Of 12 px sans-serif; wider than most letters are. */
const SANS_PX = 6.7;

export type TextStyle = 'title' | 'name' | 'mono' | 'small' | 'drop' | 'state' | 'strong';

const SIZES: { readonly [style in TextStyle]: readonly [px: number, of: number] } = {
  title: [20, SANS_PX],
  strong: [14, SANS_PX + 0.9],
  name: [12, SANS_PX + 0.3],
  mono: [12, MONO_PX],
  small: [11, SANS_PX],
  drop: [10.5, SANS_PX],
  state: [10.5, SANS_PX],
};

export function widthOf(text: string, style: TextStyle): number {
  const [px, of] = SIZES[style];
  return Math.ceil(([...text].length * of * px) / 12);
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/\p{Cc}/gu, ' ');
}

export function text(x: number, y: number, style: TextStyle, words: string, end = false): string {
  const anchor = end ? ' text-anchor="end"' : '';
  return `<text x="${x}" y="${y}" class="${style}"${anchor}>${escaped(words)}</text>`;
}

export function centred(x: number, y: number, style: TextStyle, words: string): string {
  return `<text x="${x}" y="${y}" class="${style}" text-anchor="middle">${escaped(words)}</text>`;
}

/** An empty text, which whoever shows the picture fills with what is counted. */
export function place(x: number, y: number, key: string, anchor: 'start' | 'middle' | 'end') {
  return `<text x="${x}" y="${y}" class="live" text-anchor="${anchor}" data-live="${escaped(key)}"></text>`;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function box({ x, y, width, height }: Box, style: string, round = 6): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${round}" class="${style}"/>`;
}

/** A group with a tooltip. */
export function titled(about: string, parts: readonly string[]): string {
  return `<g><title>${escaped(about)}</title>${parts.join('')}</g>`;
}

export function arrow(fromX: number, toX: number, y: number): string {
  const tip = `M${toX - 5} ${y - 3.5}L${toX} ${y}L${toX - 5} ${y + 3.5}`;
  return `<path d="M${fromX} ${y}H${toX}" class="edge"/><path d="${tip}" class="edge"/>`;
}

/** A drum: what is kept. `y`: of its middle. */
export function drum(x: number, y: number): string {
  const side = `M${x} ${y - 4}v7c0 1.4 2 2.4 4.5 2.4s4.5-1 4.5-2.4v-7`;
  return `<path d="${side}" class="drum"/><ellipse cx="${x + 4.5}" cy="${y - 4}" rx="4.5" ry="2" class="drum"/>`;
}

export const DRUM_PX = 13;

/** Of all pictures; as text, so that a page with a policy of its own can have it as a file. */
export const PICTURE_STYLE = `
svg{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.page{fill:#fff}.band{fill:#f6f8fa}.chip{fill:#fff;stroke:#c5ccd3}.pill{fill:#fff;stroke:#c5ccd3}
text{fill:#1f2328}.title{font-size:20px;font-weight:650}.strong{font-size:14px;font-weight:650}
.name{font-size:12px;font-weight:650}.mono{font-size:12px;font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.small{font-size:11px;fill:#59636e}.drop{font-size:10.5px;fill:#b42318}.state{font-size:10.5px;fill:#0b6e8a}
.edge{fill:none;stroke:#8b949e;stroke-width:1.3}.drum{fill:none;stroke:#0b6e8a;stroke-width:1.1}
.p0{fill:#cf222e}.p1{fill:#d97706}.p2{fill:#2563a8}.p3{fill:#6b7280}.pn{fill:#0f766e}
.p4{fill:#7c3aed}.p5{fill:#be185d}.p6{fill:#4d7c0f}.p7{fill:#78716c}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}.band{fill:#161b22}.chip,.pill{fill:#21262d;stroke:#3d444d}text{fill:#e6edf3}
.small{fill:#9198a1}.drop{fill:#ff9a8f}.state{fill:#6cc6e0}.edge{stroke:#6e7681}.drum{stroke:#6cc6e0}
.p0{fill:#f85149}.p1{fill:#e3963e}.p2{fill:#58a6ff}.p3{fill:#8b949e}.pn{fill:#2dd4bf}
.p4{fill:#a78bfa}.p5{fill:#f472b6}.p6{fill:#a3e635}.p7{fill:#a8a29e}
}`;

export function svg(
  width: number,
  height: number,
  about: string,
  parts: readonly string[],
  /** Without it: whoever shows the picture brings PICTURE_STYLE. */
  style: string | null = PICTURE_STYLE,
): string {
  const styled = style === null ? '' : `<style>${style}\n</style>\n`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" role="img" aria-label="${escaped(about)}">\n` +
    `${styled}${[box({ x: 0, y: 0, width, height }, 'page', 0), ...parts].join('\n')}\n</svg>\n`
  );
}
