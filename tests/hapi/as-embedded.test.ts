import { describe } from '@jest/globals';
import { identityReview } from '../e2e/identity-review.ts';
import { judgement } from '../e2e/judgement.ts';
import { newsElsewhere } from '../e2e/news-elsewhere.ts';
import { samePerson } from '../e2e/same-person.ts';
import { hapiBehind, whyNoHapi } from './server.ts';

/** What holds before the embedded server holds before a real HAPI FHIR server: each suite has one of its own. */
const suite = whyNoHapi() ? describe.skip : describe;

suite('a Patient created through the FHIR API', () => samePerson(hapiBehind, 120_000));
suite('news of a followed patient through the FHIR API', () => newsElsewhere(hapiBehind, false));
suite('the queue of identity reviews', () => identityReview(hapiBehind));
suite('what is not FHIR R4 is not written', () => judgement(hapiBehind));
