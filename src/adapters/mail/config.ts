/** Settings of one mail door: an SMTP server to send by, an IMAP mailbox to receive from, or both. */
export interface MailConfig {
  /** Readable name and address mails are sent from. */
  from?: string;
  smtp?: ServerConfig & { connections: number; timeoutSeconds: number };
  imap?: ServerConfig & { mailbox: string; maxBytes: number };
  patientDomain: string;
  messageIdDomain: string;
  productNumber: string;
  answer: boolean;
  sourceId: string;
  maxBytes: number;
  directory?: string;
  annuaire?: { url: string; apiKey: string; cacheSeconds: number };
  font?: string;
}

/** How a mail server is reached. */
export interface ServerConfig {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  user?: string;
  password?: string;
  accessToken?: string;
  cert?: string;
  key?: string;
  ca?: string;
}

const text = (description: string) => ({ type: 'string', minLength: 1, description });

function server(port: number, meaning: string, more: object) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['host'],
    description: meaning,
    properties: {
      host: text('Name of the server.'),
      port: { type: 'integer', minimum: 1, maximum: 65535, default: port, description: 'Its port.' },
      security: {
        enum: ['tls', 'starttls', 'none'],
        default: port === 993 ? 'tls' : 'starttls',
        description:
          'TLS from the first byte, STARTTLS that must succeed, or nothing (only for a server on the same machine). TLS 1.2 or more.',
      },
      user: text('Mailbox or account to log in with.'),
      password: text('Its password; write a reference (`env:` or `file:`), never the secret itself.'),
      accessToken: text('OAuth 2 access token, used by XOAUTH2 in place of a password.'),
      cert: text('Client certificate (IGC Santé), PEM: its content, written as a reference to the file.'),
      key: text('Key of the client certificate, PEM: its content, written as a reference to the file.'),
      ca: text('Certificates of the authorities to trust, PEM: their content, written as a reference to the file.'),
      ...more,
    },
  };
}

/** Each setting with its default and its meaning. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  anyOf: [{ required: ['smtp', 'from'] }, { required: ['imap'] }],
  properties: {
    from: text('Who mails are from: `CH Alpha, cardiologie <cardiologie@ch-alpha.mssante.fr>`. Needed with `smtp`.'),
    smtp: server(587, 'The operator’s SMTP server. Without it the door only receives.', {
      connections: { type: 'integer', minimum: 1, maximum: 50, default: 4, description: 'Connections kept open.' },
      timeoutSeconds: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 60,
        description: 'Longest silence of the server; after the mail was sent its fate is unknown and it goes again.',
      },
    }),
    imap: server(993, 'The mailbox to receive from. Without it the door only sends.', {
      mailbox: { ...text('Folder that is read.'), default: 'INBOX' },
      maxBytes: {
        type: 'integer',
        minimum: 1024,
        default: 36_700_160,
        description: 'Longest mail that is taken, as it travels; a longer one is left unread and named in the log.',
      },
    }),
    patientDomain: {
      ...text('Domain of the patients’ mailboxes: a patient’s address is INS@domain.'),
      default: 'patient.mssante.fr',
    },
    messageIdDomain: { ...text('Right side of the Message-IDs made here.'), default: 'passerelle.example' },
    productNumber: { ...text('X-MSS-NIL: number of the product, given by the ANS.'), default: 'PASSERELLE-0' },
    answer: {
      type: 'boolean',
      default: true,
      description:
        'Whether the sender of a mail that came in is told how processing went (MDN), when asked for; needs `smtp` and `from`.',
    },
    sourceId: {
      ...text('OID of this installation: source of its XDM submission sets.'),
      pattern: '^[0-2](\\.(0|[1-9][0-9]*))+$',
      default: '1.2.250.1.999.1.1',
    },
    maxBytes: {
      type: 'integer',
      minimum: 1024,
      default: 26_214_400,
      description: 'Longest mail that is sent, as it travels (25 MB for MSSanté).',
    },
    directory: text(
      'CSV file with the columns identifier, address, type, red_list: addresses of those whose address the message does not give.',
    ),
    annuaire: {
      type: 'object',
      additionalProperties: false,
      required: ['apiKey'],
      description: 'Annuaire Santé (FHIR API), asked by identifier when message and CSV file give no address.',
      properties: {
        url: {
          ...text('Base of the API.'),
          default: 'https://gateway.api.esante.gouv.fr/fhir/v2',
        },
        apiKey: text('Key of the header ESANTE-API-KEY, written as a reference to the environment.'),
        cacheSeconds: { type: 'integer', minimum: 0, default: 43_200, description: 'How long an answer is kept.' },
      },
    },
    font: text('TrueType font for rendered PDF files, embedded; without it DejaVu Sans.'),
  },
};
