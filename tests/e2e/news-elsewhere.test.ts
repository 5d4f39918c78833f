import { newsElsewhere } from './news-elsewhere.ts';

newsElsewhere(async () => ({ settings: {} }));
