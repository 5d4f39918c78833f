import type { CdaNode } from './tree.ts';

/** What can hold clinical statements, and the names of statements. */
const HOLDERS = ['entry', 'component', 'entryRelationship'];
const STATEMENTS = [
  'section',
  'act',
  'encounter',
  'observation',
  'observationMedia',
  'organizer',
  'procedure',
  'substanceAdministration',
  'supply',
];

/**
 * Says of each clinical statement whom it is about when that is not the patient: the `subject` of a section or a statement
 * holds for all below (CDA R2, 4.4 "context conduction"), so those that name nobody are given the one above. A map that
 * looked at the statement alone would write a mother's weight into her child's record.
 */
export function carrySubjects(body: CdaNode): void {
  const waiting: { node: CdaNode; subject: unknown }[] = [{ node: body, subject: undefined }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node } = next;
    if (next.subject !== undefined) node.subject ??= next.subject;
    for (const holder of HOLDERS) {
      for (const part of listOf(node[holder])) {
        for (const name of STATEMENTS) {
          const statement = part[name];
          if (isNode(statement)) waiting.push({ node: statement, subject: node.subject });
        }
      }
    }
  }
}

function listOf(value: unknown): CdaNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function isNode(value: unknown): value is CdaNode {
  return typeof value === 'object' && value !== null;
}
