import type { Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Scope } from './scopes.ts';

/** Who asks: what a verified token says. Set on every request behind the gate as `request.caller`. */
export interface Caller {
  clientId: string;
  /** `sub` of the token: the client itself, or the person it acts for. */
  subject: string;
  issuer: string;
  scopes: Scope[];
  /** RPPS number of the professional the token speaks for. */
  practitioner?: string;
  /** Id of the patient in context, for `patient/` scopes. */
  patient?: string;
  /** Id of the RelatedPerson the token speaks for: somebody who acts for that patient. */
  related?: string;
  /** Programmes (`system|code` of EpisodeOfCare.type) to whose patients the configuration limits the client. */
  programmes?: string[];
  /** SHA-256 of the certificate the token is bound to, base64url, RFC 8705. */
  certificate?: string;
  /** Seconds since 1970 after which the token no longer counts. */
  expiresAt: number;
  /**
   * Whether the token's scopes let the caller read this resource. Doors ask it for whatever a search brings along
   * (`_include`, `_revinclude`, `$everything`, history): the gate has only seen the type that was searched.
   */
  sees(resource: Resource): boolean;
  /**
   * The FHIR server as this caller may see it, made anew for each request; doors read through it alone. For machines it is
   * the server itself.
   */
  fhir?: FhirEndpoint;
  /** Set while a request is answered that only emergency access allowed; for the audit. */
  emergency?: boolean;
  /** Ids of the patients shown to a person in this request; filled in while it is answered, for the audit. */
  shown?: Set<string>;
}

declare global {
  namespace Express {
    interface Request {
      /** Set by the gate; always there except on open paths (health, metadata, discovery). */
      caller?: Caller;
    }
  }
}
