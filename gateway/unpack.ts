/**
 * Request bodies that come packed (Content-Encoding, RFC 9110, 8.4): unpacked as they come, so that
 * one that grows beyond the route's limit is refused (CAR707) as soon as it has, and never whole in
 * memory.
 */
import { PassThrough, type Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problem.ts';

/** What is unpacked at once beyond what is asked for: a step of zlib's, and no more. */
const CHUNK_BYTES = 16 * 1024;

const UNPACKERS: Readonly<globalThis.Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip({ chunkSize: CHUNK_BYTES }),
  deflate: () => zlib.createInflate({ chunkSize: CHUNK_BYTES }),
  br: () => zlib.createBrotliDecompress({ chunkSize: CHUNK_BYTES }),
  zstd: () => zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES }),
};

/** Of the header Accept-Encoding in the answer (RFC 9110, 12.5.3), and of the documents. */
export const ENCODINGS: readonly string[] = Object.keys(UNPACKERS);

export function unpackBodies(app: FastifyInstance): void {
  app.addHook('preParsing', async (request, reply, packed) => {
    const said = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
    if (said === '' || said === 'identity') return packed;
    const unpacker = Object.hasOwn(UNPACKERS, said) ? UNPACKERS[said] : undefined;
    if (unpacker === undefined) {
      reply.header('accept-encoding', ENCODINGS.join(', '));
      throw new HttpProblem('CAR742', `"${said.slice(0, 64)}" is not unpacked here.`);
    }
    const unpacked = unpackWith(unpacker(), packed as Readable);
    // Also when the rest is not wanted any more: it holds memory outside of the heap.
    reply.raw.once('close', () => unpacked.destroy());
    return unpacked;
  });
}

/** Fastify compares the length in the header with what was received, not with what came of it. */
class Unpacked extends PassThrough {
  receivedEncodedLength = 0;
}

function unpackWith(unpacker: Transform, packed: Readable): Unpacked {
  const unpacked = new Unpacked();
  packed.on('data', (chunk: Buffer) => {
    unpacked.receivedEncodedLength += chunk.length;
  });
  // What zlib says names no place in the body, and would be Fastify's answer.
  unpacker.once('error', () => unpacked.destroy(new HttpProblem('CAR743', 'it does not unpack.')));
  packed.once('error', (error) => unpacked.destroy(error));
  // Once the body is too large nobody listens any more, and the rest may be broken, too.
  unpacked.on('error', () => undefined);
  unpacked.once('close', () => {
    packed.unpipe(unpacker);
    unpacker.destroy();
  });
  packed.pipe(unpacker).pipe(unpacked);
  return unpacked;
}
