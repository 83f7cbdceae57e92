import { provePreview } from '../support/preview-proof.js';

provePreview({ lives: 500, seed: 20_260_101 });
