/** What the lint must know of a step that gives another value. */

/**
 * How the value that a step sends on differs from what came, so that what follows is checked
 * against it. `elements`: an element of the list at the path option `of`, under the field that
 * the text option `as` names, or its own fields, and those of the option `with`. `gathered`:
 * `count` and `events`, a list of the values that came. `aggregated`: what the paths of `by` name,
 * the bounds of the window that one of `windows` declares, and the functions of `fields`.
 * `joined`: the value with a field more, that
 * the text option `as` names: a row of the table that the option `row` names, which may be null
 * where the option `type` is not `inner`; its task reads that table as an input of its own, in the
 * order of times with the stream. `paired`: the value, its own fields or under the name that the
 * text option `own` gives, with one of the stream that the option `with` names under the name of
 * `as`; what may be missing by the option `type` may be null. `anything`: nothing is known of it.
 * `walked`: the value with a row of the table that the option `row` names under the name of `as`.
 * Left out: the value stays, or an option of expressions says it.
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
  | {
      readonly kind: 'joined';
      /** The path option that says where the row's key is. */
      readonly by: string;
      readonly row: string;
      readonly as: string;
      readonly type: string;
    }
  | {
      readonly kind: 'paired';
      readonly with: string;
      readonly own: string;
      readonly as: string;
      readonly type: string;
    }
  | { readonly kind: 'walked'; readonly row: string; readonly as: string }
  | { readonly kind: 'gathered' | 'anything' };
