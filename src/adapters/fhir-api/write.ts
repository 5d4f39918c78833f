import type { Request, Response } from 'express';
import { refuse } from '../../adapter/answer.ts';
import { applyWrite } from '../../adapter/fhir-write.ts';
import type { DoorContext } from '../../adapter.ts';
import type { Interaction } from '../../message.ts';
import { writeBody } from './body.ts';

/** Settings of the FHIR API as a door. */
export interface FhirApiConfig {
  /** Longest wait for a write to be applied before 202 is answered. */
  waitSeconds: number;
}

/** A write as its sender made it. */
export async function write(
  request: Request,
  response: Response,
  target: Pick<Interaction, 'method' | 'path'>,
  context: DoorContext<FhirApiConfig>,
): Promise<void> {
  const body = writeBody(request, target.path);
  if ('faults' in body) return refuse(request, response, body.faults);
  return applyWrite(request, response, { ...target, ...body }, context);
}
