import type { Bundle, Parameters, Questionnaire, QuestionnaireResponse } from '@medplum/fhirtypes';
import type { Request, Response, Router } from 'express';
import { fhirBase } from '../access/demands.ts';
import { refuse } from '../adapter/answer.ts';
import { answer } from '../adapter/fhir-answer.ts';
import type { FhirEndpoint } from '../adapter.ts';
import { type Fault, isError, operationOutcome } from '../errors.ts';
import { readResource } from './content.ts';
import { wrong } from './parameters.ts';

/** Extracts from answers, as `extractAnswers` of the pipeline does. */
export type ExtractAnswers = (answers: {
  response: QuestionnaireResponse;
  questionnaire?: Questionnaire;
  sender: string;
  at: Date;
}) => { bundle?: Bundle; faults: Fault[] };

const type = `${fhirBase}/QuestionnaireResponse`;

/**
 * SDC `QuestionnaireResponse/$extract`: answers that are posted (a QuestionnaireResponse, or Parameters with
 * `questionnaire-response` and, where it is not loaded here, `questionnaire`), or those stored under an id, read as the caller
 * may see them. Answers the transaction they give, or an OperationOutcome. Nothing is stored.
 */
export function extractRoutes(router: Router, fhir: FhirEndpoint, extract: ExtractAnswers): void {
  router.post(`${type}/$extract`, (request, response) => {
    const posted = postedIn(request);
    if ('faults' in posted) return refuse(request, response, posted.faults);
    if (!posted.response)
      return refuse(request, response, wrong('questionnaire-response', 'QuestionnaireResponse').faults);
    give(request, response, { response: posted.response, questionnaire: posted.questionnaire });
  });
  const ofStored = async (request: Request, response: Response) => {
    const posted = request.method === 'POST' ? postedIn(request) : {};
    if ('faults' in posted) return refuse(request, response, posted.faults);
    const { caller } = request;
    const { id } = request.params as { id: string };
    const read = await (caller?.fhir ?? fhir).send({
      method: 'GET',
      path: `QuestionnaireResponse/${encodeURIComponent(id)}`,
    });
    if (read.status !== 200) return answer(request, response, read);
    give(request, response, { response: read.body as QuestionnaireResponse, questionnaire: posted.questionnaire });
  };
  router.post(`${type}/:id/$extract`, ofStored);
  router.get(`${type}/:id/$extract`, ofStored);

  const give = (request: Request, response: Response, answers: Posted & { response: QuestionnaireResponse }) => {
    const { bundle, faults } = extract({ ...answers, sender: request.caller?.clientId ?? '', at: new Date() });
    if (faults.some(isError)) return refuse(request, response, faults);
    answer(request, response, { status: 200, headers: {}, body: bundle ?? operationOutcome(faults) });
  };
}

interface Posted {
  response?: QuestionnaireResponse;
  questionnaire?: Questionnaire;
}

/** What a body names; without one the loaded Questionnaire is used. */
function postedIn(request: Request): Posted | { faults: Fault[] } {
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  if (bytes.length === 0) return {};
  const body = readResource(bytes);
  if (body?.resourceType === 'QuestionnaireResponse') return { response: body };
  if (body?.resourceType !== 'Parameters') return wrong('body', 'Parameters, QuestionnaireResponse');
  const named = (name: string) => (body as Parameters).parameter?.find((one) => one?.name === name)?.resource;
  const [response, questionnaire] = [named('questionnaire-response'), named('questionnaire')];
  if (response && response.resourceType !== 'QuestionnaireResponse') {
    return wrong('questionnaire-response', 'QuestionnaireResponse');
  }
  if (questionnaire && questionnaire.resourceType !== 'Questionnaire') return wrong('questionnaire', 'Questionnaire');
  return { response, questionnaire };
}
