/** What the lint must know of a step that gives another value. */

/**
 * How the value that a step sends on differs from what came, so that what follows is checked
 * against it. `elements`: an element of the list at the path option `of`, under the field that
 * the text option `as` names, or its own fields, and those of the option `with`. `gathered`:
 * `count` and `events`, a list of the values that came. `aggregated`: what the paths of `by` name,
 * the bounds of the window that one of `windows` declares, and the functions of `fields`.
 * `anything`: nothing is known of it. Left out: the value stays, or an option of expressions says
 * it.
 */
export type Gives =
  | {
      readonly kind: 'elements';
      readonly of: string;
      readonly as: string;
      readonly with: string;
    }
  | {
      readonly kind: 'aggregated';
      readonly by: string;
      readonly fields: string;
      readonly windows: readonly string[];
      /** The choice that says which results go on. */
      readonly emit: string;
    }
  | { readonly kind: 'gathered' | 'anything' };
