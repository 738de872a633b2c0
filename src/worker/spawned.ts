import { waitForRun } from './main.ts';
import { rehearse } from './rehearse.ts';

rehearse();
waitForRun();
