import type { Dossier } from '../../src/adapters/mail/dossier.ts';
import { traitsOf } from '../../src/adapters/mail/patient.ts';

/** Whose letters these are. */
export const traits = traitsOf({ resourceType: 'Patient', name: [{ family: 'MARTIN-TEST', given: ['LUCIE'] }] });

/** A structured letter without a PDF of its own. */
export function letterOf(narrative: string, title = 'Lettre de liaison'): Dossier {
  return {
    reference: {
      resourceType: 'DocumentReference',
      status: 'current',
      description: title,
      date: '2024-01-20T11:30:00+01:00',
      content: [],
    },
    contents: [],
    author: { practitioner: { resourceType: 'Practitioner', name: [{ family: 'SOIGNANT-TEST', given: ['Inès'] }] } },
    authenticator: {},
    composition: {
      resourceType: 'Composition',
      status: 'final',
      type: {},
      date: '2024',
      author: [],
      title: 'x',
      section: [{ title: 'Évolution', text: { status: 'generated', div: `<div>${narrative}</div>` } }],
    },
  };
}

/** What French letters are full of, and what few fonts have. */
export const paragraph =
  '<p>Évolution favorable à l’œil nu\u202f: température ≥ 38 °C → « repos », saturation à 95 %, 12 µg, Ωμέγα, 日本.</p>';
