import { proveLives } from '../support/lives/prove-lives.js';

proveLives({ lives: 500, seed: 1 });
