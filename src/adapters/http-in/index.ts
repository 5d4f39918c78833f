import type { Request, Response } from 'express';
import { refuse } from '../../adapter/answer.ts';
import { intake, isRefusal } from '../../adapter/intake.ts';
import type { DoorType } from '../../adapter.ts';
import { fault, httpStatus, isError, register } from '../../errors.ts';
import { acknowledge } from '../../formats/hl7v2/index.ts';
import type { Format, Verdict } from '../../message.ts';

interface HttpInConfig {
  waitSeconds: number;
}

/** The paths and the format each one takes. */
const paths: Record<string, Format> = { '/in/hl7v2': 'hl7v2', '/in/cda': 'cda', '/in/fhir': 'fhir' };

/** Types under which a caller may ask for an HL7 v2 acknowledgement instead of JSON. */
const hl7Types = ['application/hl7-v2', 'x-application/hl7-v2+er7', 'application/hl7-v2+er7', 'text/plain'];

/** `POST /in/hl7v2`, `/in/cda`, `/in/fhir`: one message over HTTP, as it would come in by any other door. */
export const door: DoorType<HttpInConfig> = {
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      waitSeconds: { type: 'number', minimum: 0, maximum: 3600, default: 60, description: 'Longest `?wait=`.' },
    },
  },
  create: (context) => ({
    http(router) {
      for (const [path, format] of Object.entries(paths)) {
        const otherAnswer = format === 'hl7v2' ? acknowledgement : undefined;
        router.post(
          path,
          intake(context, () => ({ format }), otherAnswer),
        );
        router.all(path, (request, response) => {
          response.set('Allow', 'POST');
          refuse(request, response, [fault('method-unknown', { params: { method: request.method, allowed: 'POST' } })]);
        });
      }
    },
  }),
};

/** Answers with ACK instead of JSON when the caller names an HL7 v2 type in `Accept`; a wildcard does not ask for one. */
function acknowledgement(request: Request, response: Response, verdict: Verdict): boolean {
  const accepted = (request.get('accept') ?? '').split(',').map((one) => one.split(';', 1)[0]?.trim().toLowerCase());
  const type = hl7Types.find((one) => accepted.includes(one));
  if (!type) return false;
  const refused = isRefusal(verdict);
  const error = verdict.faults.find(isError);
  const code = refused && error ? register[error.code].msa : 'AA';
  const faults = refused ? verdict.faults : [];
  const ack = acknowledge(request.body as Uint8Array, {
    code,
    faults,
    controlId: verdict.id.slice(0, 20),
    at: new Date(),
  });
  response
    .status(refused ? httpStatus(verdict.faults) : 200)
    .type(type)
    .send(Buffer.from(ack));
  return true;
}
