import { refuse } from '../../adapter/answer.ts';
import { type Described, intake } from '../../adapter/intake.ts';
import type { DoorType } from '../../adapter.ts';
import { fault } from '../../errors.ts';

interface TelemonitoringConfig {
  vendors: Record<string, string>;
  waitSeconds: number;
}

const vendorName = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** `POST /in/telemonitoring/VENDOR`: a vendor's payload; the route's schema and map say what is in it. */
export const door: DoorType<TelemonitoringConfig> = {
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      vendors: {
        type: 'object',
        description: 'Route of each vendor, where it is not called telemonitoring-VENDOR.',
        propertyNames: { pattern: vendorName.source },
        additionalProperties: { type: 'string', minLength: 1 },
        default: {},
      },
      waitSeconds: { type: 'number', minimum: 0, maximum: 3600, default: 60, description: 'Longest `?wait=`.' },
    },
  },
  create: (context) => ({
    http(router) {
      router.post(
        '/in/telemonitoring/:vendor',
        intake(context, (request): Described => {
          const vendor = String(request.params.vendor);
          if (!vendorName.test(vendor)) return fault('route-unknown', { params: { route: 'telemonitoring-?' } });
          const { vendors } = context.config;
          return { route: Object.hasOwn(vendors, vendor) ? vendors[vendor] : `telemonitoring-${vendor}` };
        }),
      );
      router.all('/in/telemonitoring/:vendor', (request, response) => {
        response.set('Allow', 'POST');
        refuse(request, response, [fault('method-unknown', { params: { method: request.method, allowed: 'POST' } })]);
      });
    },
  }),
};
