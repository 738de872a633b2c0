import { waitForRun } from './main.ts';

waitForRun();
