import { readdir, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import type { Router } from 'express';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';

const folder = new URL('./console/', import.meta.url);

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
};

/** Its own scripts and styles, its own server, nothing else: what a patient's narrative carries is never run. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the pages know of the rules: days since J1 between which a patient must not be lost from sight, both included. */
export interface PageRules {
  critical: { from: number; to?: number };
}

/**
 * The pages for people at `/console/`. They are the same for everybody and hold no data: each asks the API with the token of
 * whoever looks, so the gate decides there as everywhere. The modules are TypeScript; types are taken out on the way.
 */
export function consoleRoutes(router: Router, rules: () => PageRules): void {
  const pages = new Map<string, Promise<Buffer>>();
  const listed = readdir(folder);
  router.get('/console', (_request, response) => response.redirect(308, '/console/'));
  router.get('/console/rules.json', (_request, response) => void response.json(rules()));
  router.get('/console/{:page}', async (request, response) => {
    const name = (request.params as { page?: string }).page ?? 'index.html';
    const type = types[extname(name)];
    // Only what was in the folder at the start: a name is never made into a path.
    if (!type || !(await listed).includes(name)) return refuse(request, response, [fault('path-unknown')]);
    if (!pages.has(name)) pages.set(name, page(name));
    response.set({ 'Content-Security-Policy': policy, 'Content-Type': type, 'Cache-Control': 'no-cache' });
    response.send(await pages.get(name));
  });
}

async function page(name: string): Promise<Buffer> {
  const bytes = await readFile(new URL(name, folder));
  return name.endsWith('.ts') ? Buffer.from(stripTypeScriptTypes(bytes.toString('utf8'))) : bytes;
}
