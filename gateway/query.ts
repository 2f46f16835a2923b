/**
 * What stands behind the `?` of an address. A parameter that nobody reads would be believed to have
 * been: `?cursor=` instead of `?after=` begins at the start again, and nothing says so.
 */
import type { FastifyInstance } from 'fastify';
import { nearest } from '../core/nearest.ts';
import './api/operation.ts';
import { HttpProblem } from './problem.ts';

const NAME_CHARS_MAX = 64;

/** After the guard, before the body: who is not let in is told nothing of the route. */
export function checkQueries(app: FastifyInstance): void {
  app.addHook('preParsing', async ({ query, routeOptions: { config } }) => {
    const read = config.operation?.query;
    if (read === undefined) return;
    const known = Object.keys(read);
    for (const [name, value] of Object.entries(query as object)) {
      const shown = name.slice(0, NAME_CHARS_MAX);
      if (!Object.hasOwn(read, name)) {
        throw new HttpProblem('CAR721', `there is no parameter "${shown}" here.`, {
          mend: mendOf(name, known),
        });
      }
      const { type, enum: choices } = read[name]!.schema;
      if (Array.isArray(value) && type !== 'array') {
        throw new HttpProblem('CAR721', `"${shown}" is given twice.`);
      }
      if (!Array.isArray(choices) || Array.isArray(value) || choices.includes(value)) continue;
      throw new HttpProblem('CAR721', `"${shown}" is one of ${choices.join(', ')}.`);
    }
  });
}

function mendOf(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  return `Take it away; known here: ${known.length === 0 ? 'none' : known.join(', ')}.`;
}
