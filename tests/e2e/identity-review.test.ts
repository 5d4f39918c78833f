import { embedded } from './behind.ts';
import { identityReview } from './identity-review.ts';

identityReview(embedded);
