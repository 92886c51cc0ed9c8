// The scopes of a key (docs/sign-in.md): `<resource or *>:<verb or *>:<own|all>`, `sync`, `metrics`.

export const VERBS = ['read', 'create', 'update', 'delete'] as const;
export type Verb = (typeof VERBS)[number];
export type Reach = 'own' | 'all';
export const SERVER_SCOPES = ['sync', 'metrics'] as const;

/** Stands for every resource. */
export const EVERY = '*';

/** What is chosen for a key. */
export interface Grants {
    reach?: Reach;
    records?: Record<string, Verb[] | undefined>;
    server?: string[];
}

/** To change a record takes `read` as well. */
const withRead = (verbs: readonly Verb[]) => VERBS.filter(verb => verbs.includes(verb) || (verb === 'read' && verbs.includes('update')));

export function scopes({ reach = 'all', records = {}, server = [] }: Grants): string[] {
    const every = withRead(records[EVERY] ?? []);
    const found = Object.entries(records).flatMap(([resource, chosen]) => {
        const verbs = withRead(chosen ?? []);
        if (verbs.length === VERBS.length && (resource === EVERY || every.length < VERBS.length)) return [`${resource}:*:${reach}`];
        // What holds for every resource need not be said of this one.
        return verbs.filter(verb => resource === EVERY || !every.includes(verb)).map(verb => `${resource}:${verb}:${reach}`);
    });
    return [...found, ...SERVER_SCOPES.filter(scope => server.includes(scope))];
}

/** What some scopes have in common. */
export interface Line {
    resource: string;
    reach: Reach;
    verbs: readonly Verb[];
}

/** Scopes as they are told: one line for each resource, and what is about the server. */
export function lines(texts: readonly string[]): { records: Line[]; server: string[] } {
    const records: Line[] = [];
    for (const text of texts) {
        const [resource, verb, reach] = text.split(':');
        if (resource === undefined || verb === undefined) continue;
        const verbs = VERBS.filter(one => verb === EVERY || verb === one);
        const line = records.find(one => one.resource === resource && one.reach === reach);
        if (line === undefined) records.push({ resource, reach: reach as Reach, verbs });
        else line.verbs = VERBS.filter(one => line.verbs.includes(one) || verbs.includes(one));
    }
    return { records, server: texts.filter(text => !text.includes(':')) };
}

/** What translates a key, as react-admin's `translate` does. */
export type Translate = (key: string, options?: Record<string, unknown>) => string;

/** `Karanas (all): read, change`, one for each line. */
export function inWords(texts: readonly string[], translate: Translate): string[] {
    const { records, server } = lines(texts);
    const said = records.map(({ resource, reach, verbs }) =>
        translate('karana.account.keys.line', {
            resource:
                resource === EVERY
                    ? translate('karana.account.keys.all_records')
                    : translate(`resources.${resource}.name`, { smart_count: 2, _: resource }),
            reach: translate(`karana.account.keys.reached.${reach}`),
            verbs:
                verbs.length === VERBS.length
                    ? translate('karana.account.keys.does.all')
                    : verbs.map(verb => translate(`karana.account.keys.does.${verb}`)).join(', '),
        }),
    );
    return [...said, ...server.map(scope => translate(`karana.account.keys.${scope}`))];
}
