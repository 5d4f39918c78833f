/** The parts of oidc-provider the tests use; it comes without types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';
  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
    on(event: string, listener: (...parts: any[]) => void): void;
    interactionDetails(request: unknown, response: unknown): Promise<any>;
    interactionFinished(request: unknown, response: unknown, result: object): Promise<void>;
    Grant: new (
      of: object,
    ) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  }
}
