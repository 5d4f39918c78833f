import type { Decoded } from '../../conversion.ts';
import { type Fault, fault } from '../../errors.ts';
import { attribute, child, elements, readXml, type XmlElement } from '../xml/index.ts';
import { build } from './build.ts';
import { Reading } from './context.ts';
import { missingSections } from './models.ts';
import { placesOf, tied } from './places.ts';
import { carrySubjects } from './subjects.ts';
import type { CdaTree } from './tree.ts';

export { type CdaIdentity, documentKey, identity, sameDocument } from './identity.ts';
export type { CdaMedia, CdaNode, CdaSection, CdaTree } from './tree.ts';

/** Prefixes of the namespaces French CDA documents use; elements of others are `other_…`. */
export const cdaNamespaces = {
  'urn:hl7-org:v3': '',
  'http://www.w3.org/2001/XMLSchema-instance': 'xsi',
  'http://www.w3.org/1999/XSL/Transform': 'xsl',
  'urn:oid:1.3.6.1.4.1.19376.1.3.2': 'lab',
  'urn:ihe:pharm:medication': 'pharm',
  'urn:ihe:pharm': 'pharm',
  'urn:hl7-org:sdtc': 'sdtc',
  'urn:dicom-org:ps3-20': 'dicom',
};

/** Where white space between tags can be text. */
const narrative = new Set(['text']);

/**
 * Reads a CDA R2 document (https://www.hl7.org/implement/standards/product_brief.cfm?product_id=7), also in the
 * self-presenting form whose root is an XSLT stylesheet, into the tree the README describes. Payloads inside (level 1 body,
 * observationMedia) become parts. Never throws for content; an error among the faults means it must be refused.
 */
export function read(bytes: Uint8Array): Decoded<CdaTree> {
  return readAs(bytes, false);
}

/** As {@link read}, with the same faults, but without the payloads: they have no bytes of their own and are no parts. */
export function readForInspection(bytes: Uint8Array): Decoded<CdaTree> {
  return readAs(bytes, true);
}

function readAs(bytes: Uint8Array, inspects: boolean): Decoded<CdaTree> {
  const { root, fault: found } = readXml(bytes, { namespaces: cdaNamespaces, textIn: narrative });
  if (!root) return failed(found!);
  const document = clinicalDocument(root);
  if (!document) return failed(fault('cda-root', { params: { root: root.name.slice(0, 60) } }));
  const reading = new Reading(document, inspects);
  const tree = build(document, reading) as CdaTree;
  if (document !== root) tree.selfPresenting = true;
  if (reading.relatives && tree.component?.structuredBody) carrySubjects(tree.component.structuredBody);
  const faults = [...missingHeader(document, tree), ...missingSections(tree), ...reading.faults];
  return { format: 'cda', tree, faults, parts: reading.parts, places: placesOf(reading, tree), tied };
}

function failed(found: Fault): Decoded<CdaTree> {
  return { format: 'cda', tree: {}, faults: [found], parts: [] };
}

/** The document itself, at the root or anywhere inside a stylesheet. */
function clinicalDocument(root: XmlElement): XmlElement | undefined {
  if (root.name === 'ClinicalDocument') return root;
  if (root.name !== 'xsl:stylesheet' && root.name !== 'xsl:transform') return undefined;
  const waiting = [root];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const found = child(next, 'ClinicalDocument');
    if (found) return found;
    waiting.push(...elements(next));
  }
  return undefined;
}

/** Header elements without which a document cannot be filed: who, what, when, about whom. */
const needed = ['id', 'code', 'effectiveTime', 'recordTarget', 'author', 'custodian', 'component'];
/** Of these only the absence is worth a refusal; the others are said and lived with. */
const vital = new Set(['id', 'code', 'effectiveTime', 'recordTarget', 'component']);

function missingHeader(document: XmlElement, tree: CdaTree): Fault[] {
  const faults: Fault[] = [];
  const missing = (element: string, severity: Fault['severity']) =>
    faults.push({ ...fault('cda-missing', { place: '/ClinicalDocument', params: { element } }), severity });
  for (const name of needed) if (!child(document, name)) missing(name, vital.has(name) ? 'error' : 'warning');
  const id = child(document, 'id');
  if (id && (!tree.id || !attribute(id, 'root'))) missing('id/@root', 'error');
  if (child(document, 'effectiveTime') && !tree.effectiveTime) missing('effectiveTime/@value', 'error');
  if (child(document, 'code') && !tree.code) missing('code/@code', 'error');
  const role = elements(document, 'recordTarget').map((target) => child(target, 'patientRole'))[0];
  if (child(document, 'recordTarget') && !role) missing('recordTarget/patientRole', 'error');
  if (role && !child(role, 'patient')) missing('recordTarget/patientRole/patient', 'error');
  return faults;
}
