/** `GET /openapi.json`: what the port that is asked can be asked. */
import type { FastifyInstance } from 'fastify';
import type { Words } from '../../core/words.ts';
import { openApiOf } from './openapi.ts';
import { collectOperations } from './operation.ts';
import { DOCUMENT } from './operator-operations.ts';

/** Before all other routes: it hears of each. */
export function documentRoute(app: FastifyInstance, version: string, words?: Words): void {
  const operations = collectOperations(app);
  app.get(DOCUMENT.path, { config: { operation: DOCUMENT } }, async () =>
    openApiOf(operations, version, words),
  );
}
