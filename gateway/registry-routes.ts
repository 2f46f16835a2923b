/**
 * The embedded schemas at a Confluent registry's own paths, read-only, so that any Avro client can
 * read what is in the topics. Errors have that registry's form, because such clients look at
 * `error_code`.
 */
import type { FastifyInstance } from 'fastify';
import type { RegistryPort } from '../schemas/registry.ts';
import {
  SCHEMA_BY_ID,
  SUBJECT_VERSION,
  SUBJECT_VERSIONS,
  SUBJECTS,
} from './api/operator-operations.ts';

const TYPE = 'application/vnd.schemaregistry.v1+json';
const NO_SCHEMA = { error_code: 40403, message: 'Schema not found' };
const NO_SUBJECT = { error_code: 40401, message: 'Subject not found.' };
const NO_VERSION = { error_code: 40402, message: 'Version not found.' };

export function registryRoutes(app: FastifyInstance, registry: RegistryPort): void {
  app.get(SCHEMA_BY_ID.path, { config: { operation: SCHEMA_BY_ID } }, async (request, reply) => {
    const id = Number((request.params as { id: string }).id);
    const schema = Number.isInteger(id) && id > 0 ? await registry.fetch(id) : null;
    reply.type(TYPE).code(schema === null ? 404 : 200);
    return JSON.stringify(schema === null ? NO_SCHEMA : { schema });
  });
  app.get(SUBJECTS.path, { config: { operation: SUBJECTS } }, async (_request, reply) => {
    reply.type(TYPE);
    return JSON.stringify(await registry.subjects());
  });
  app.get(
    SUBJECT_VERSIONS.path,
    { config: { operation: SUBJECT_VERSIONS } },
    async (request, reply) => {
      const versions = await registry.versions((request.params as { subject: string }).subject);
      reply.type(TYPE).code(versions.length === 0 ? 404 : 200);
      return JSON.stringify(versions.length === 0 ? NO_SUBJECT : versions);
    },
  );
  app.get(
    SUBJECT_VERSION.path,
    { config: { operation: SUBJECT_VERSION } },
    async (request, reply) => {
      const { subject, version } = request.params as { subject: string; version: string };
      const known = await registry.versions(subject);
      const number = version === 'latest' ? version : Number(version);
      const found =
        number === 'latest' || known.includes(number)
          ? await registry.version(subject, number)
          : null;
      reply.type(TYPE).code(found === null ? 404 : 200);
      if (found !== null) return JSON.stringify({ subject, ...found });
      return JSON.stringify(known.length === 0 ? NO_SUBJECT : NO_VERSION);
    },
  );
}
