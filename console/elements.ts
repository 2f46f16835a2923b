/**
 * Elements as calls. Words go in as text and never as markup, so that nothing that a member sent
 * can become part of the page.
 */

type Child = Node | string | number | null | undefined;
type Properties = Readonly<{
  [name: string]: string | number | boolean | EventListener | undefined;
}>;

export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(property, value);
    else if (typeof value === 'boolean') element.toggleAttribute(property, value);
    else if (value !== undefined) element.setAttribute(property, String(value));
  }
  element.append(...shown(children));
  return element;
}

export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...shown(children));
}

function shown(children: readonly Child[]): (Node | string)[] {
  return children
    .filter((child) => child !== null && child !== undefined)
    .map((child) => (typeof child === 'number' ? String(child) : (child as Node | string)));
}

export interface Column<T> {
  readonly head: string;
  /** Set to the right. */
  readonly number?: boolean;
  /** Never broken into lines. */
  readonly whole?: boolean;
  readonly cell: (row: T) => Child;
}

/** `empty`: what is said where there are no rows. */
export function table<T>(
  caption: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
  empty: string,
): HTMLElement {
  if (rows.length === 0) return el('p', { class: 'nothing' }, empty);
  const classOf = ({ number, whole }: Column<T>) => {
    if (number === true) return 'number';
    return whole === true ? 'whole' : undefined;
  };
  const head = columns.map((of) => el('th', { scope: 'col', class: classOf(of) }, of.head));
  const body = rows.map((row) =>
    el('tr', {}, ...columns.map((of) => el('td', { class: classOf(of) }, of.cell(row)))),
  );
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...head)),
      el('tbody', {}, ...body),
    ),
  );
}
