/** Settings of one MLLP listener. */
export interface MllpConfig {
  listen: string;
  maxBytes: number;
  idleSeconds: number;
  messageSeconds: number;
  connections: number;
  acknowledge: 'header' | 'original' | 'enhanced';
  /** Fingerprints of certificates (SHA-256) by sending system, `MSH-3|MSH-4`. */
  senders?: Record<string, string[]>;
  tls?: {
    cert: string;
    key: string;
    ca?: string;
    clientCertificate?: 'none' | 'request' | 'require';
    minVersion?: 'TLSv1.2' | 'TLSv1.3';
  };
}

/** Each setting with its default and its meaning; `tls` is described with the listeners of the whole configuration. */
export const configSchema = {
  type: 'object',
  properties: {
    listen: { type: 'string', default: '127.0.0.1:2575', description: 'Address and port; port 0 picks a free one.' },
    maxBytes: {
      type: 'integer',
      minimum: 1024,
      default: 67_108_864,
      description: 'Longest message in bytes; a longer one is skipped and answered AR, the connection stays.',
    },
    idleSeconds: {
      type: 'number',
      exclusiveMinimum: 0,
      default: 3600,
      description: 'A connection without a message for so long is closed. Senders keep theirs open between messages.',
    },
    messageSeconds: {
      type: 'number',
      exclusiveMinimum: 0,
      default: 120,
      description: 'A message that has begun must be complete within this time, or its connection is closed.',
    },
    connections: {
      type: 'integer',
      minimum: 1,
      default: 1000,
      description: 'Connections at one time; more are refused.',
    },
    acknowledge: {
      enum: ['header', 'original', 'enhanced'],
      default: 'header',
      description:
        'AA / AE / AR (original), CA / CE / CR (enhanced), or as MSH-15 and MSH-16 of each message ask (header); French profiles leave both empty and get the original mode.',
    },
    senders: {
      type: 'object',
      additionalProperties: {
        type: 'array',
        minItems: 1,
        items: { type: 'string', pattern: '^([0-9A-Fa-f]{2}:?){32}$' },
      },
      description:
        'Which certificate speaks for which sending system: `MSH-3|MSH-4` and SHA-256 fingerprints, as `openssl x509 -fingerprint -sha256` prints them. A message of any other system, or by any other certificate, is answered AR. Needs `tls` with `clientCertificate`. Two fingerprints let a certificate be renewed. Absent: every peer may send for every system.',
    },
    tls: { type: 'object' },
  },
};
