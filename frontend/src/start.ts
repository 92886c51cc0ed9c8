// The first of the page that runs, and small: it asks who is signed in before the rest of the page keeps the browser busy.
import { client } from './session';

// Where another tab is asking, that may take its time.
const SOON = 50;

void client.ready().catch(() => {});
const soon = new Promise(resolve => setTimeout(resolve, SOON));
void Promise.race([client.begun.until(true), soon]).then(() => import('./main'));
