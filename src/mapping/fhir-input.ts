import type { Run } from './run.ts';

/** Takes the resources of a FHIR message over as they are. */
export function takeFhir(_run: Run): void {}
