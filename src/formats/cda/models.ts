import { type Fault, warning } from '../../errors.ts';
import type { CdaSection, CdaTree } from './tree.ts';

/**
 * Sections a document model of the CI-SIS makes mandatory, as section templates. A letter without one of them is taken,
 * since what it does say matters to whoever treats the patient, and the breach is said loudly.
 */
const mandatory: Record<string, { template: string; code: string }[]> = {
  // Lettre de liaison à la sortie, 2022.01
  '1.2.250.1.213.1.1.1.29': [
    { template: '1.2.250.1.213.1.1.2.35.1', code: '33557-0' },
    { template: '1.3.6.1.4.1.19376.1.5.3.1.3.1', code: '42349-1' },
    { template: '1.3.6.1.4.1.19376.1.7.3.1.1.13.7', code: '42545-4' },
    { template: '1.3.6.1.4.1.19376.1.5.3.1.3.22', code: '10183-2' },
  ],
};

/** Faults of a document against its model's mandatory sections. */
export function missingSections(tree: CdaTree): Fault[] {
  const body = tree.component?.structuredBody as { component?: { section?: CdaSection }[] } | undefined;
  if (!body) return [];
  const wanted = (tree.templateId ?? []).flatMap((id) => (Object.hasOwn(mandatory, id) ? mandatory[id]! : []));
  const present = new Set<unknown>();
  gather(body.component, present);
  return wanted
    .filter(({ template }) => !present.has(template))
    .map(({ template, code }) =>
      warning('cda-section-missing', {
        place: '/ClinicalDocument/component/structuredBody',
        params: { template, code },
      }),
    );
}

function gather(components: { section?: CdaSection }[] | undefined, into: Set<unknown>): void {
  for (const { section } of components ?? []) {
    if (!section) continue;
    for (const template of (section.templateId as string[] | undefined) ?? []) into.add(template);
    gather(section.component, into);
  }
}
