/** What the table says of one error code. */
export interface ErrorEntry {
  readonly slug: string;
  /** What it means, in general; the error itself says it of its subject. */
  readonly what: string;
  /** How to mend it when the error itself knows nothing better. */
  readonly mend: string;
}
