/** What a gateway answers, as it is told to who sends lines of a file. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CarillonError } from '../core/error.ts';
import { GatewayClient } from './gateway-client.ts';

interface Row {
  readonly what: string;
  readonly status: number;
  readonly answer: object;
  readonly code: string;
  readonly at: string;
  readonly mend?: RegExp;
}

const rows: readonly Row[] = [
  {
    what: 'a type that is not there',
    status: 404,
    answer: { code: 'CAR706', what: 'there is no event type "x".' },
    ...{ code: 'CAR706', at: 'line 7: POST /v1/events/x' },
  },
  {
    what: 'a key that is missing: the mend is of lines, not of addresses',
    status: 400,
    answer: { code: 'CAR721', what: 'no key.', mend: 'Send them to /v1/events/x?key=<key>.' },
    ...{ code: 'CAR721', at: 'line 7: POST /v1/events/x', mend: /"key": "…"/ },
  },
  {
    what: 'fields that are wrong have their own lines',
    status: 400,
    answer: { code: 'CAR710', what: 'refused:', problems: [{ path: '/records/1/a', what: 'no' }] },
    ...{ code: 'CAR710', at: 'POST /v1/events/x', mend: /send on from there/ },
  },
  {
    what: 'a gateway that is busy is no fault of a line',
    status: 503,
    answer: { code: 'CAR705', what: 'busy.' },
    ...{ code: 'CAR705', at: 'POST /v1/events/x' },
  },
];

for (const { what, status, answer, code, at, mend } of rows) {
  test(what, async () => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const client = new GatewayClient(`http://127.0.0.1:${port}`, async () => 'token');
      const placeOf = (n: number) => `line ${7 + n}`;
      await assert.rejects(client.postEvents('x', [{}, {}], placeOf), (error: CarillonError) => {
        assert.ok(error instanceof CarillonError);
        assert.deepEqual([error.code, error.where.at], [code, at]);
        if (code === 'CAR710') assert.match(error.what, /line 8 \/a: no/);
        if (mend !== undefined) assert.match(error.mend ?? '', mend);
        return true;
      });
    } finally {
      server.close();
    }
  });
}
