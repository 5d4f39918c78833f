/** Segments in the groups that belong together: patients, orders, documents with their participants. */
import { metadataOf, participationOf } from './metadata.ts';
import { segmentName } from './place.ts';
import type {
  DocumentGroup,
  Hl7v2Tree,
  MessageHeader,
  Metadata,
  ObservationGroup,
  OrderGroup,
  Participation,
  PatientGroup,
  Segment,
} from './tree.ts';

/** The groups of a message that its segments are gathered into. */
export type Groups = Pick<Hl7v2Tree, 'patient' | 'order' | 'document' | 'metadata' | 'participation'>;

/**
 * One pass over the segments in order. An OBX with a document opens a document group (or, where it only copies results, is
 * attached to its order), one of the CI-SIS metadata goes to `metadata`, every other OBX is a result of the order before it; PRT and NTE belong to the segment they follow.
 */
export function groups(segments: Segment[], header: MessageHeader): Groups {
  const patient: PatientGroup[] = [];
  const order: OrderGroup[] = [];
  const document: DocumentGroup[] = [];
  const metadata: Metadata = {};
  const participation: Participation[] = [];
  const txa = segments.filter((segment) => segmentName(segment) === 'TXA');
  let owner: { NTE: Segment[]; PRT: Segment[] } | undefined;
  let previous: Segment | undefined;
  for (const segment of segments) {
    const name = segmentName(segment);
    switch (name) {
      case 'PID':
        patient.push({ PID: [segment], PD1: [], MRG: [], PV1: [] });
        owner = undefined;
        break;
      case 'PD1':
      case 'MRG':
      case 'PV1':
        patient.at(-1)?.[name].push(segment);
        break;
      case 'ORC':
        owner = addOrder(order, segment);
        break;
      case 'OBR': {
        const open = order.at(-1);
        if (open && open.OBR.length === 0 && open.observation.length === 0) {
          open.OBR.push(segment);
          owner = open;
        } else owner = addOrder(order, undefined, segment);
        break;
      }
      case 'SPM':
        order.at(-1)?.SPM.push(segment);
        break;
      case 'OBX':
        owner = addObservation(segment, { order, document, metadata, txa, event: header.event });
        break;
      case 'PRT':
        owner?.PRT.push(segment);
        participation.push(participationOf(segment));
        break;
      case 'NTE':
        owner?.NTE.push(segment);
        if (previous && isDestination(previous) && segment.f4?.[0]?.c1?.s1 === 'FIN') metadata.FIN = true;
        break;
    }
    if (name !== 'NTE') previous = segment;
  }
  const copies = document.filter((one) => isCopyOfResults(one, header, metadata));
  for (const copy of copies) {
    const { OBX, NTE, PRT, payload } = copy;
    order.find(({ OBR }) => OBR === copy.OBR)?.attachment.push({ OBX, NTE, PRT, payload });
  }
  const left = copies.length > 0 ? document.filter((one) => !copies.includes(one)) : document;
  return { patient, order, document: left, metadata, participation };
}

/**
 * Laboratories send the printed report beside the results, as PDF or picture. It is no document of the CI-SIS exchange where
 * neither MSH-21 nor metadata speak of that: there everything must be a CDA.
 */
function isCopyOfResults({ OBR, payload }: DocumentGroup, header: MessageHeader, metadata: Metadata): boolean {
  const isExchange =
    header.type !== 'ORU' || Object.keys(metadata).length > 0 || /CDA|CISIS/i.test(header.profile ?? '');
  const { contentType } = payload;
  return !isExchange && OBR.length > 0 && (contentType === 'application/pdf' || contentType.startsWith('image/'));
}

const isDestination = (segment: Segment): boolean => segment.f3?.[0]?.c1?.s1 === 'DESTMSSANTEPAT';

function addOrder(order: OrderGroup[], orc?: Segment, obr?: Segment): OrderGroup {
  const group: OrderGroup = {
    ORC: orc ? [orc] : [],
    OBR: obr ? [obr] : [],
    NTE: [],
    PRT: [],
    SPM: [],
    observation: [],
    attachment: [],
  };
  order.push(group);
  return group;
}

interface Destination {
  order: OrderGroup[];
  document: DocumentGroup[];
  metadata: Metadata;
  txa: Segment[];
  event: string;
}

function addObservation(segment: Segment, to: Destination): ObservationGroup {
  const group: ObservationGroup = { OBX: [segment], NTE: [], PRT: [] };
  if (metadataOf(segment, to.metadata)) return group;
  const current = to.order.at(-1);
  if (segment.payload?.part !== undefined) {
    const { payload } = segment;
    const found: DocumentGroup = {
      ...group,
      payload,
      event: eventOf(to.event, segment, current?.ORC[0]),
      ORC: current?.ORC ?? [],
      OBR: current?.OBR ?? [],
      TXA: to.txa,
    };
    to.document.push(found);
    return found;
  }
  if (segment.payload) return group;
  if (current) current.observation.push(group);
  else to.order.push({ ORC: [], OBR: [], NTE: [], PRT: [], SPM: [], observation: [group], attachment: [] });
  return group;
}

const byEvent: Record<string, DocumentGroup['event']> = { T02: 'new', T10: 'replace', T04: 'withdraw' };
const byStatus: Record<string, DocumentGroup['event']> = { F: 'new', C: 'replace', D: 'withdraw' };
const byControl: Record<string, DocumentGroup['event']> = { NW: 'new', RO: 'replace', CA: 'withdraw' };

function eventOf(event: string, obx: Segment, orc: Segment | undefined): DocumentGroup['event'] {
  const status = obx.f11?.[0]?.c1?.s1 ?? '';
  const control = orc?.f1?.[0]?.c1?.s1 ?? '';
  if (Object.hasOwn(byEvent, event)) return byEvent[event]!;
  if (Object.hasOwn(byStatus, status)) return byStatus[status]!;
  return Object.hasOwn(byControl, control) ? byControl[control]! : 'new';
}
