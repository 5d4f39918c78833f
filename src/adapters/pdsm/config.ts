import { type ElsewhereConfig, elsewhereProperties } from '../../adapter/elsewhere.ts';

/** Settings of the shared record; with `server` the door is a destination, without it the manager of documents. */
export interface PdsmConfig {
  waitSeconds: number;
  server?: ServerConfig;
  withdraw: 'superseded' | 'entered-in-error' | 'delete';
}

/** The shared record elsewhere that documents are provided to. */
export interface ServerConfig extends ElsewhereConfig {
  /** OID of the sending system, `urn:oid:…`. */
  sourceId: string;
  designationType: { system: string; code: string; display?: string };
}

/** JSON Schema of the door's settings. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    waitSeconds: { type: 'number', minimum: 1, maximum: 300, default: 20, description: 'Longest wait for a write.' },
    withdraw: {
      enum: ['superseded', 'entered-in-error', 'delete'],
      default: 'entered-in-error',
      description: 'What a withdrawal does on the server: the status it sets, or HTTP DELETE.',
    },
    server: {
      type: 'object',
      additionalProperties: false,
      required: ['base', 'sourceId'],
      description: 'The PDSm server that documents are provided to; only for a destination.',
      properties: {
        ...elsewhereProperties,
        sourceId: { type: 'string', pattern: '^urn:oid:[0-9.]+$', description: 'OID of the sending system.' },
        designationType: {
          type: 'object',
          additionalProperties: false,
          required: ['system', 'code'],
          properties: { system: { type: 'string' }, code: { type: 'string' }, display: { type: 'string' } },
          default: {
            system: 'https://mos.esante.gouv.fr/NOS/TRE_A00-ProducteurDocNonPS/FHIR/TRE-A00-ProducteurDocNonPS',
            code: '03',
            display: 'Hospitalisation de jour ou complète',
          },
          description: 'Kind of activity a submission stands for (JDV_J03).',
        },
      },
    },
  },
};
