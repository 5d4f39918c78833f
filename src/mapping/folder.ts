import type { IgnoreRule } from './account.ts';
import type { GroupHandle } from './compile.ts';
import type { FormRoute } from './form-routes.ts';
import type { FormTypes } from './form-types.ts';
import type { MapNode } from './language.ts';
import type { Route } from './routes.ts';
import type { PayloadSchema } from './schemas.ts';
import type { Sheet } from './sheet.ts';
import type { CodeTable } from './tables.ts';

/** A map ready to run. */
export interface CompiledMap {
  name: string;
  url: string;
  /** Content hash of the map and of the tables it names. */
  version: string;
  /** This map and all it imports, name → version. */
  versions: Record<string, string>;
  top: GroupHandle;
  node: MapNode;
  ignore: IgnoreRule[];
}

/** Everything a folder of mappings holds, checked. */
export interface MappingFolder {
  maps: Map<string, CompiledMap>;
  tables: Map<string, CodeTable>;
  schemas: Map<string, PayloadSchema>;
  routes: Route[];
  forms: FormRoute[];
  formTypes: FormTypes;
  /** By route. */
  sheets: Map<string, Sheet>;
}
