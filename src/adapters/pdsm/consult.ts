import type { Binary, Consent } from '@medplum/fhirtypes';
import type { Request, Response, Router } from 'express';
import { refuse } from '../../adapter/answer.ts';
import { type Elsewhere, faultOf } from '../../adapter/elsewhere.ts';
import { isIns, isValidMatricule } from '../../adapter/ins.ts';
import type { DoorContext } from '../../adapter.ts';
import { type Fault, fault, PasserelleError } from '../../errors.ts';
import { findAll } from './dossier.ts';

const ID = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * ITI-66, ITI-67 and ITI-68 on the server elsewhere (TD3.1, TD3.2 of PDSm for DMP), with its credentials, below
 * `/shared/NAME`. Only for callers who may do anything: whoever is asked for must be named by the INS each time, and a patient
 * who opposed consultation (ZFA-11 INC) is not looked up.
 */
export function consult(router: Router, { name, fhir }: Pick<DoorContext, 'name' | 'fhir'>, record: Elsewhere): void {
  const guarded = (work: (request: Request, response: Response) => Promise<void>) => {
    return async (request: Request, response: Response) => {
      const faults = await objections(request, fhir);
      if (faults.length > 0) return refuse(request, response, faults);
      try {
        await work(request, response);
      } catch (error) {
        if (!(error instanceof PasserelleError)) throw error;
        refuse(request, response, error.faults);
      }
    };
  };
  router.get(
    `/shared/${name}/:type`,
    guarded((request, response) => find(request, response, record)),
  );
  router.get(
    `/shared/${name}/:type/:id`,
    guarded((request, response) => retrieve(request, response, record)),
  );
}

async function find(request: Request, response: Response, record: Elsewhere): Promise<void> {
  const { type } = request.params;
  const query = request.url.split(/\?(.*)/s)[1] ?? '';
  if (type !== 'DocumentReference' && type !== 'List') return refuse(request, response, [fault('path-unknown')]);
  if (!/(^|&)status=/.test(query)) return refuse(request, response, [fault('find-status-missing')]);
  const answer = await record.send('GET', `${type}?${query}`);
  if (answer.status !== 200) throw new PasserelleError(faultOf(answer));
  response.type('application/fhir+json').send(JSON.stringify(answer.body));
}

/** A document as it is; a FHIR document or metadata as FHIR. */
async function retrieve(request: Request, response: Response, record: Elsewhere): Promise<void> {
  const { type, id } = request.params;
  const known = type === 'Binary' || type === 'Bundle' || type === 'DocumentReference';
  if (!known || !ID.test(String(id))) return refuse(request, response, [fault('path-unknown')]);
  const answer = await record.send('GET', `${type}/${id}`);
  if (answer.status === 404 || answer.status === 410) return refuse(request, response, [fault('path-unknown')]);
  const { resourceType, data, contentType } = (answer.body ?? {}) as Partial<Binary>;
  if (answer.status !== 200 || (resourceType as string) !== type) throw new PasserelleError(faultOf(answer));
  if (type !== 'Binary') {
    response.type('application/fhir+json').send(JSON.stringify(answer.body));
    return;
  }
  const plain = /^[\w.+-]+\/[\w.+-]+(;[^\r\n]*)?$/.test(contentType ?? '') ? contentType! : 'application/octet-stream';
  response.setHeader('Content-Type', plain);
  response.setHeader('Content-Disposition', 'attachment');
  response.send(Buffer.from(data ?? '', 'base64'));
}

async function objections(request: Request, fhir: DoorContext['fhir']): Promise<Fault[]> {
  const named = request.query['patient.identifier'];
  const [system, value = ''] = typeof named === 'string' ? named.split('|') : [];
  if (!isIns(system)) return [fault('find-patient-missing')];
  if (!isValidMatricule(value)) return [fault('provide-ins-invalid', { place: 'patient.identifier' })];
  const category = encodeURIComponent('http://passerelle.example/fhir/CodeSystem/dmp-consent|dmp-consult');
  const patient = encodeURIComponent(`${system}|${value}`);
  const path = `Consent?patient.identifier=${patient}&status=active&category=${category}&_count=100`;
  const consents = await findAll<Consent>(path, fhir);
  return consents.some((one) => one.provision?.type === 'deny') ? [fault('share-consult-opposed')] : [];
}
