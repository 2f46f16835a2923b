/** What devices and producers are told: 7xx. */
import type { ErrorEntry } from './error-entry.ts';

export const GATEWAY_ERRORS = {
  CAR701: {
    slug: 'no-token',
    what: 'The request carries no token.',
    mend: 'Send "Authorization: Bearer <JWT>"; a browser\'s WebSocket names it as a sub-protocol.',
  },
  CAR702: {
    slug: 'bad-token',
    what: 'The token is no JWT that this gateway trusts.',
    mend: 'Sign it with HS256 and the secret that the gateway was given; `sub` names the device.',
  },
  CAR703: {
    slug: 'token-expired',
    what: 'The token has expired.',
    mend: 'Get a new token, then come back.',
  },
  CAR704: {
    slug: 'not-allowed',
    what: 'The token is good, but not for this.',
    mend: 'Use a token of this device (`sub`), or one whose `scope` allows it.',
  },
  CAR705: {
    slug: 'unknown-path',
    what: 'The gateway has no such path and method.',
    mend: 'See docs: /v1/stream, /v1/devices/<id>, /v1/events/<type>.',
  },
  CAR706: {
    slug: 'unknown-event-type',
    what: 'No topology reads events of this type.',
    mend: 'Post to /v1/events/<type> with a type that the topology names.',
  },
  CAR707: {
    slug: 'body-too-large',
    what: 'The body has more bytes or records than the gateway takes at once.',
    mend: 'Send smaller batches.',
  },
  CAR708: {
    slug: 'wrong-content-type',
    what: 'The body is not of a type that this path takes.',
    mend: 'Send "Content-Type: application/json".',
  },
  CAR709: {
    slug: 'bad-json',
    what: 'The body is not JSON.',
    mend: 'Mend the body at the line and column that are named.',
  },
  CAR710: {
    slug: 'wrong-body',
    what: 'Fields of the body are missing or of the wrong type.',
    mend: 'Mend each field that is named with its path; nothing of the body was written.',
  },
  CAR711: {
    slug: 'log-busy',
    what: 'More is waiting to be written to the log than the gateway holds.',
    mend: 'Send again after the seconds of Retry-After.',
  },
  CAR712: {
    slug: 'log-away',
    what: 'The log does not take what is written.',
    mend: 'Send again after the seconds of Retry-After; /health/ready says what is away.',
  },
  CAR713: {
    slug: 'unknown-device',
    what: 'The device is not registered, or was deleted.',
    mend: 'Register it with PUT /v1/devices/<id>; it is known a moment after the answer.',
  },
  CAR714: {
    slug: 'bad-cursor',
    what: 'The cursor is not one that a gateway has given.',
    mend: 'Send the cursor of the last frame or page as it came, or none.',
  },
  CAR715: {
    slug: 'inbox-away',
    what: 'The inbox cannot be read or written now.',
    mend: 'Come back after the seconds of Retry-After with the same cursor.',
  },
  CAR716: {
    slug: 'gateway-full',
    what: 'The gateway takes no more connections: it is full, or about to stop.',
    mend: 'Connect again after a moment; another gateway may take it.',
  },
  CAR717: {
    slug: 'gateway-failed',
    what: 'The gateway failed on this request.',
    mend: 'This is a bug; the log of the gateway has the cause under the same request id.',
  },
  CAR718: {
    slug: 'port-taken',
    what: 'The gateway cannot listen on its port.',
    mend: 'Stop what listens there, or set another port under `http:` in carillon.yaml.',
  },
  CAR719: {
    slug: 'weak-secret',
    what: 'A secret of the gateway is too short to be one.',
    mend: 'Set at least 32 characters, e.g. from `openssl rand -base64 32`.',
  },
  CAR720: {
    slug: 'bad-frame',
    what: 'A device sent a frame that is none of the protocol.',
    mend: 'Send JSON text: {"type":"ack","ids":[…]}, {"type":"ack","cursor":"…"} or {"type":"ping"}.',
  },
  CAR721: {
    slug: 'bad-query',
    what: 'A parameter of the address is not what it should be.',
    mend: 'Mend the parameter that is named.',
  },
  CAR722: {
    slug: 'gateway-away',
    what: 'A gateway does not answer the sink.',
    mend: 'Nothing: the sink tries again, and the inbox has what is undelivered.',
  },
  CAR723: {
    slug: 'gateway-refused',
    what: 'A gateway does not trust the sink.',
    mend: 'Give sink and gateway the same internal token.',
  },
  CAR724: {
    slug: 'not-a-websocket',
    what: 'The stream was asked for without a WebSocket upgrade.',
    mend: 'Connect with a WebSocket client; to poll, GET /v1/devices/<id>/notifications.',
  },
  CAR725: {
    slug: 'token-not-yet-valid',
    what: 'The token is not valid yet: its `nbf` lies ahead.',
    mend: 'Set the clocks of issuer and gateway right (NTP), or wait until `nbf`.',
  },
  CAR726: {
    slug: 'too-much',
    what: 'More was asked than the budget of this token, address or route allows.',
    mend: 'Wait for the seconds of Retry-After; then ask less often, with larger batches.',
  },
  CAR727: {
    slug: 'token-revoked',
    what: 'The token was given before its device was deleted: the deletion revoked it.',
    mend: 'Sign a new token for the device, with the `iat` of now.',
  },
  CAR728: {
    slug: 'workers-on-one-file',
    what: 'Several workers were asked for, and the deployment is one SQLite file.',
    mend: 'Leave --workers out: the gateway and the engine have a thread each. Or run it on Kafka.',
  },
  CAR729: {
    slug: 'origin-not-allowed',
    what: 'A page of this origin may not talk to the gateway.',
    mend: 'Name the origin in `http: { origins: [...] }` of carillon.yaml, or leave the list out.',
  },
  CAR730: {
    slug: 'letters-not-read',
    what: 'The dead letters, or the topics that they came from, could not be read to their ends in time.',
    mend: 'Choose a shorter time, or do it by the command, which has no bound: carillon redrive.',
  },
  CAR731: {
    slug: 'issuer-away',
    what: 'The issuer of tokens does not give its public keys now.',
    mend: 'Come back after the seconds of Retry-After; `auth.jwks` says where the keys are.',
  },
  CAR732: {
    slug: 'few-open-files',
    what: 'The process may open fewer files than the gateway has room for connections.',
    mend: "Raise the limit: `ulimit -n 65536`, LimitNOFILE=, or the container's nofile.",
  },
  CAR733: {
    slug: 'tls-unusable',
    what: 'Certificate and key of a port cannot be used.',
    mend: 'Name PEM files that this user may read, the key being that of the certificate.',
  },
  CAR734: {
    slug: 'redrive-under-way',
    what: 'Dead letters are being sent back already, by this process.',
    mend: 'Wait until that has ended, and look again at what is left.',
  },
  CAR735: {
    slug: 'nothing-to-trust',
    what: 'A file of certificates to trust has none that is good.',
    mend: 'Name the PEM file of the certificate authority that has signed what the other side shows.',
  },
  CAR741: {
    slug: 'wrong-method',
    what: 'The path is here, but not with this method.',
    mend: 'Use one of the methods that the header Allow names.',
  },
  CAR742: {
    slug: 'unknown-encoding',
    what: 'The body is packed in a way that the gateway does not unpack.',
    mend: 'Send it plain, or with one Content-Encoding of gzip, deflate, br or zstd.',
  },
  CAR743: {
    slug: 'not-unpacked',
    what: 'The body is not what its Content-Encoding says, or is cut off.',
    mend: 'Pack it whole in the way that the header names, or leave the header out.',
  },
  CAR744: {
    slug: 'key-used-again',
    what: 'The idempotency key was used for another request within 24 hours.',
    mend: 'Make a new key for each request; repeat one with its key, body and address as they were.',
  },
  CAR745: {
    slug: 'bad-idempotency-key',
    what: 'The header Idempotency-Key is not one key.',
    mend: 'Send one of 1 to 255 printable ASCII characters: a UUID.',
  },
  CAR746: {
    slug: 'too-many-keys',
    what: 'More idempotency keys were used within 24 hours than are kept.',
    mend: 'Send larger batches, or without a key: the step `dedup` drops what comes twice.',
  },
  CAR747: {
    slug: 'keys-not-kept',
    what: 'The topic in which idempotency keys are kept is not there.',
    mend: 'Create it: carillon topics apply.',
  },
  CAR740: {
    slug: 'newer-connection',
    what: 'The device waits for its inbox here, and has opened another connection meanwhile.',
    mend: 'Let one part of the app talk to the gateway: of two connections one would always lose.',
  },
  CAR770: {
    slug: 'acked-without-inbox',
    what: 'A use case is to be acknowledged, and no inbox keeps its notifications until then.',
    mend: 'Add a sink { from: { lane, transport: all }, to: { type: inbox } }.',
  },
  CAR771: {
    slug: 'acked-without-deadline',
    what: 'A use case is to be acknowledged, and would be told again for ever.',
    mend: 'Add a gate_staleness step; its max_age, or ttl, says until when it is of use.',
  },
  CAR772: {
    slug: 'again-never',
    what: 'A use case says when it is told again, and that never comes.',
    mend: 'Write guarantee: acked, and an again_after that is shorter than max_age or ttl.',
  },
  CAR773: {
    slug: 'auth-module-failed',
    what: 'The module that knows tokens has failed on this one, or has not answered in time.',
    mend: "Come back after the seconds of Retry-After; the gateway's log says what the module did.",
  },
  CAR774: {
    slug: 'not-an-auth-module',
    what: 'The module of `auth.module` cannot be asked for tokens.',
    mend: 'Export a function as default: export default async (token) => ({ subject, expiresAt }).',
  },
  CAR775: {
    slug: 'cookie-without-origins',
    what: 'A cookie is to bring tokens, and no page is named that may send it.',
    mend: 'Name them: http: { origins: ["https://app.example"] }, those of the gateway too.',
  },
  CAR776: {
    slug: 'cookie-of-no-page',
    what: 'A cookie came, and nothing says that a page of ours has sent it.',
    mend: 'Send it from a page of `http.origins`; who is no browser sends Authorization: Bearer.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
