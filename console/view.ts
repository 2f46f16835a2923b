/** One view of the page, for as long as it is shown. */
export interface View {
  readonly element: HTMLElement;
  /** Called after each answer of the flow. */
  readonly onFlow?: () => void;
  /** What it has open is closed. */
  readonly leave?: () => void;
}
