// The one client of the page. It is there before the rest of the page is.
import { askAhead } from './ahead';
import { Client } from './client';
import { tabs } from './tabs';

export const client = new Client(undefined, undefined, tabs(), askAhead);
