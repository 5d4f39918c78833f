/** Settings of one sender of HL7 v2 messages: a listener, and which answers or documents go there. */
export interface MllpOutConfig {
  address: string;
  application: string;
  facility: string;
  facilities: string[];
  deliveredBy: 'smtp' | 'dsn';
  connectSeconds: number;
  answerSeconds: number;
  practice?: { recipients: string[]; senders: string[]; application: string; facility: string };
  tls?: { ca?: string; cert?: string; key?: string };
}

const text = (description: string) => ({ type: 'string', minLength: 1, description });

/** Each setting with its default and its meaning. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['address'],
  properties: {
    address: {
      ...text('The hospital’s listener: `mllp://host:port`, with TLS `mllps://host:port`.'),
      pattern: '^mllps?://[^/?#\\s]+$',
    },
    application: { ...text('MSH-3 of what is sent.'), default: 'PASSERELLE' },
    facility: { ...text('MSH-4 of what is sent.'), default: 'PASSERELLE' },
    facilities: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'Only answers to senders with one of these MSH-4 go here; none: all.',
    },
    deliveredBy: {
      enum: ['smtp', 'dsn'],
      default: 'smtp',
      description:
        'What counts as delivered for ZAM^Z02: that the mail operator took the mail, or that a delivery report said so. A failure is told either way.',
    },
    practice: {
      type: 'object',
      additionalProperties: false,
      description:
        'Makes this the listener of practice software: documents go there as MDM in the LPS profile. At least one of `recipients` and `senders`.',
      anyOf: [{ required: ['recipients'] }, { required: ['senders'] }],
      properties: {
        recipients: {
          type: 'array',
          items: { type: 'string' },
          default: [],
          description:
            'National numbers (RPPS, IDNPS, FINESS) of persons and structures; what a hospital sends to one of them goes there.',
        },
        senders: {
          type: 'array',
          items: { type: 'string' },
          default: [],
          description:
            'Senders all of whose documents go there; for what came by secure mail, the name of the mail door.',
        },
        application: { ...text('MSH-5 of what is sent.'), default: 'LPS' },
        facility: { ...text('MSH-6 of what is sent.'), default: 'LPS' },
      },
    },
    connectSeconds: { type: 'number', exclusiveMinimum: 0, default: 5, description: 'Longest wait for a connection.' },
    answerSeconds: {
      type: 'number',
      exclusiveMinimum: 0,
      default: 30,
      description: 'Longest wait for an acknowledgement; then the connection is closed, and the message goes again.',
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      description: 'Files for `mllps`, PEM.',
      properties: {
        ca: text('Authorities to trust.'),
        cert: text('Our certificate, when the hospital asks for one.'),
        key: text('Its key.'),
      },
    },
  },
};
