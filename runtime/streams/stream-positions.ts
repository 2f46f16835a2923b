/**
 * Where single streams of an input stand. A group commits one offset for each input partition, and
 * a position belongs to a stream: one that came from another priority, or begins anew, may be
 * further than the others that read the topic. Those that are beyond the committed offset are noted
 * beside it, by the id of the use case (of another input of a step: `<use case>/<step>`), until the
 * group has come to where they are.
 *
 * Form: `at:` then `<use case>=<offset>` joined by commas; empty when all stand at the offset.
 */
const FORM = 'at:';

/** Of the other input of a step. */
export function otherId(useCase: string, step: string): string {
  return `${useCase}/${step}`;
}

export type StreamPositions = ReadonlyMap<string, number>;

/** Metadata of another form notes none. */
export function readStreamPositions(metadata: string): StreamPositions {
  const positions = new Map<string, number>();
  if (!metadata.startsWith(FORM)) return positions;
  for (const one of metadata.slice(FORM.length).split(',')) {
    const [useCase = '', offset = ''] = one.split('=');
    if (useCase !== '' && /^\d+$/.test(offset)) positions.set(useCase, Number(offset));
  }
  return positions;
}

/** `positions` at or below the committed offset say nothing, and are left out. */
export function noteStreamPositions(positions: StreamPositions, committed: number): string {
  const beyond = [...positions].filter(([, offset]) => offset > committed);
  if (beyond.length === 0) return '';
  return FORM + beyond.map(([useCase, offset]) => `${useCase}=${offset}`).join(',');
}
