import { embedded } from './behind.ts';
import { newsElsewhere } from './news-elsewhere.ts';

newsElsewhere(embedded);
