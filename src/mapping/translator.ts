import type { StructureMap } from '@medplum/fhirtypes';
import type { Account, Conversion, Decoded, Orders } from '../conversion.ts';
import { type Fault, fault, isError, warning } from '../errors.ts';
import { parisDateTime } from '../formats/dates.ts';
import { account, type IgnoreRule } from './account.ts';
import { runSteps } from './compile.ts';
import { MappedDocument } from './document.ts';
import { finishDrafts } from './drafts.ts';
import { fhirIgnores, takeFhir } from './fhir-input.ts';
import type { CompiledMap, MappingFolder } from './folder.ts';
import type { FormRoute } from './form-routes.ts';
import { type FormSources, type WrittenForm, writeForm } from './forms.ts';
import { MappedConversion } from './mapped-conversion.ts';
import { fits, partRoute, type Route } from './routes.ts';
import {
  type ConvertContext,
  FIRST_VARIABLE,
  newRun,
  newSession,
  ORIGINS,
  RUN,
  type Run,
  type Session,
  SLOT_WIDTH,
  type Slots,
} from './run.ts';
import { readSheet } from './sheet.ts';
import type { CodeTable, CodeTarget } from './tables.ts';

interface Mapped {
  document: MappedDocument;
  map: string;
  ignore: IgnoreRule[];
}

/** The loaded mappings: finds the route of a message and converts it. Holds no state; conversions are pure. */
export class Translator {
  readonly routes: Route[];
  /** Map name → version (content hash). */
  readonly maps: Record<string, string>;
  /** Changes with any file of the folder. */
  readonly fingerprint: string;
  private readonly folder: MappingFolder;

  constructor(folder: MappingFolder, fingerprint: string) {
    this.folder = folder;
    this.routes = folder.routes;
    this.fingerprint = fingerprint;
    this.maps = Object.fromEntries([...folder.maps].map(([name, map]) => [name, map.version]));
  }

  /** Names of the routes that a spreadsheet is declared for. */
  get sheetRoutes(): string[] {
    return [...this.folder.sheets.keys()];
  }

  /** The route of that name, if the format is its own; without a name the first that fits. */
  route(decoded: Pick<Decoded, 'format' | 'tree'>, name?: string, sender?: string): Route | undefined {
    if (name !== undefined) return this.routes.find((route) => route.name === name && route.format === decoded.format);
    return this.routes.find((route) => fits(route, decoded.format, decoded.tree, sender));
  }

  /** A StructureMap as FHIR knows it, for the API. */
  structureMap(name: string): StructureMap | undefined {
    return this.folder.maps.get(name)?.node.structureMap;
  }

  /**
   * Looks a code up in a table: `{ outcome, targets }` as `$translate` wants it; with `reverse` from the target's side.
   * Undefined when there is no such table.
   */
  translate(
    table: string,
    system: string | undefined,
    code: string,
    options: { reverse?: boolean } = {},
  ): { outcome: string; targets: CodeTarget[] } | undefined {
    const found = this.folder.tables.get(table);
    if (!found) return undefined;
    if (!options.reverse) return found.lookup(system, code);
    const targets = found.reverse(system, code);
    return { outcome: targets.length > 0 ? 'mapped' : 'unmapped', targets };
  }

  /** The forms that can be written back. */
  get forms(): FormRoute[] {
    return this.folder.forms;
  }

  /** Writes one of {@link forms} from resources; see `writeForm`. */
  write(form: FormRoute, sources: FormSources, at: Date): WrittenForm {
    const { maps, schemas, formTypes } = this.folder;
    const schema = this.routes.find(({ name }) => name === form.route)!.schema!;
    return writeForm({ map: maps.get(form.map)!, types: formTypes, schema, check: schemas.get(schema)! }, sources, at);
  }

  /** Rows of a spreadsheet → forms of a route; undefined when no sheet is declared for it. */
  readSheet(route: string, rows: string[][]): ReturnType<typeof readSheet> | undefined {
    const sheet = this.folder.sheets.get(route);
    const schema = this.routes.find(({ name }) => name === route)?.schema;
    return sheet && schema ? readSheet(sheet, rows, this.folder.schemas.get(schema)!) : undefined;
  }

  /** Every table, for `$translate` and for the words of codes. */
  get tables(): ReadonlyMap<string, CodeTable> {
    return this.folder.tables;
  }

  /**
   * Converts a decoded message and its decoded parts. Never throws for content: what is wrong is in `faults` (those of
   * decoding are not repeated). `traces` and `account` are worked out when they are read.
   */
  convert(decoded: Decoded, context: ConvertContext): Conversion {
    const session = newSession(context);
    const route = this.route(decoded, context.route, context.sender);
    const mapped: Mapped[] = [];
    if (!route)
      session.faults.push(fault(context.route === undefined ? 'route-missing' : 'route-unknown', routeParams(context)));
    else this.mapAll(session, route, decoded, mapped);
    return finish(session, route, mapped);
  }

  private mapAll(session: Session, route: Route, decoded: Decoded, mapped: Mapped[]): void {
    const { context } = session;
    // What could not be read follows no schema: the sender would look for mistakes that nobody made.
    if (route.schema !== undefined && decoded.faults.some(isError)) return;
    const whole = new MappedDocument({ ...decoded, bytes: context.bytes, contentType: context.contentType });
    if (!this.mapOne(session, route, whole, mapped)) return;
    for (const { decoded: part, ...where } of context.parts ?? []) {
      const name = partRoute(route, part.format);
      const inner = name === undefined ? undefined : this.route(part, name);
      if (inner) this.mapOne(session, inner, new MappedDocument({ ...part, ...where }), mapped, decoded.tree);
    }
  }

  /** Checks the schema, runs the map. False when the document was refused. */
  private mapOne(
    session: Session,
    route: Route,
    document: MappedDocument,
    mapped: Mapped[],
    carrier?: unknown,
  ): boolean {
    const violations = route.schema === undefined ? [] : this.folder.schemas.get(route.schema)!.check(document.tree);
    if (violations.length > 0) {
      session.faults.push(...violations);
      return false;
    }
    const run = newRun(session, document, route.map);
    const map = this.folder.maps.get(route.map);
    mapped.push({ document, map: route.map, ignore: map?.ignore ?? fhirIgnores });
    try {
      if (map) runMap(map, run, carrier);
      else takeFhir(run);
    } catch (error) {
      session.faults.push(fault('map-crashed', { params: { map: route.map }, detail: String(error) }));
    }
    return true;
  }
}

function routeParams({ route }: ConvertContext) {
  return route === undefined ? {} : { params: { route } };
}

function runMap(map: CompiledMap, run: Run, carrier: unknown): void {
  const { session, document } = run;
  Object.assign(session.maps, map.versions);
  const slots: Slots = new Array(map.top.size);
  slots[RUN] = run;
  slots[ORIGINS] = map.top.origins;
  let slot = FIRST_VARIABLE;
  for (const { mode, type } of map.top.inputs) {
    slots[slot] = mode === 'source' ? sourceOf(type, session, document, carrier) : targetOf(type, session);
    slot += SLOT_WIDTH;
  }
  runSteps(map.top.steps, slots);
}

function sourceOf(type: string | undefined, { context }: Session, document: MappedDocument, carrier: unknown): unknown {
  if (type === 'Message') {
    return {
      sender: context.sender,
      identity: context.messageIdentity,
      receivedAt: parisDateTime(context.receivedAt),
      format: document.format,
      contentType: document.contentType,
      bytes: document.bytes,
      place: document.carrierPlace,
      carrier,
    };
  }
  if (type !== 'Parts') return document.tree;
  return document.parts.map(({ place, contentType, bytes }, index) => ({
    place,
    contentType,
    bytes,
    size: bytes.length,
    index,
  }));
}

function targetOf(type: string | undefined, session: Session): unknown {
  if (type === '#Bundle') return { entry: session.entries };
  if (type === '#Intents') return { intent: session.intents };
  session.orders ??= emptyOrders();
  return session.orders;
}

function emptyOrders(): Orders {
  return {
    event: 'new',
    dmp: false,
    mssProfessional: false,
    mssPatient: false,
    hiddenFromProfessionals: false,
    hiddenFromPatient: false,
    hiddenFromRepresentatives: false,
    secretConnection: false,
    acknowledgeReception: false,
    acknowledgeReading: false,
    recipients: [],
  };
}

function finish(session: Session, route: Route | undefined, mapped: Mapped[]): Conversion {
  const { drafts, subject, draftOf } = finishDrafts(session, route?.profiles);
  limitFaults(session.faults);
  const conversion = new MappedConversion(session, drafts, draftOf);
  if (subject !== undefined) conversion.subject = subject;
  if (session.orders) conversion.orders = session.orders;
  if (session.context.account) conversion.account = accountOf(session, mapped, conversion, draftOf);
  return conversion;
}

/** More than a person reads and a journal should hold; errors stay, the rest is counted. */
const MAX_FAULTS = 1000;

function limitFaults(faults: Fault[]): void {
  if (faults.length <= MAX_FAULTS) return;
  const bySeverity = (wanted: boolean) => faults.filter(({ severity }) => (severity === 'error') === wanted);
  const kept = [...bySeverity(true), ...bySeverity(false)].slice(0, MAX_FAULTS);
  const count = faults.length - MAX_FAULTS;
  faults.splice(0, faults.length, ...kept, warning('findings-cut', { params: { count } }));
}

function accountOf(
  session: Session,
  mapped: Mapped[],
  conversion: Conversion,
  draftOf: Parameters<typeof account>[3],
): Account {
  const found = account(session, mapped, conversion.drafts, draftOf);
  if (!conversion.faults.some(isError)) conversion.faults.push(...found.faults);
  return found.account;
}
