import { describe } from '@jest/globals';
import { newsElsewhere } from '../e2e/news-elsewhere.ts';
import { hapiBehind, whyNoHapi } from './server.ts';

const suite = whyNoHapi() ? describe.skip : describe;

suite('news of a followed patient through the FHIR API, with a real HAPI FHIR server behind it', () => {
  newsElsewhere(hapiBehind, false);
});
